package dev.s3llm.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file that an option asks to write, checked before the hours of work whose result it takes.
 *
 * @param option that names it
 * @param path where it is
 */
record OutputFile(String option, Path path) {

  /** Checks the option's value; null if it was not given. */
  static @Nullable OutputFile checked(String option, @Nullable String value) {
    if (value == null) {
      return null;
    }
    Path path;
    try {
      path = Path.of(value).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw new UsageException(option + " " + value + ": is no path: " + e.getReason());
    }
    Path folder = path.getParent();
    if (Files.isDirectory(path) || folder == null || !Files.isDirectory(folder)) {
      throw new UsageException(option + " " + value + ": must be a file in a folder that exists");
    }
    return new OutputFile(option, path);
  }

  void write(String text) {
    try {
      Files.writeString(path, text);
    } catch (IOException e) {
      throw new UsageException(option + " " + path + ": cannot be written: " + e.getMessage());
    }
  }
}
