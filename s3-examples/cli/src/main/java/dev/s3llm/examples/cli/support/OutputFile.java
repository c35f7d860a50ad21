package dev.s3llm.examples.cli.support;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file that a command writes its result to. It is checked before the command starts, because the
 * work before the result may take hours.
 *
 * @param option the option that names the file
 * @param path the file, absolute
 */
public record OutputFile(String option, Path path) {
  /**
   * Checks the value of an option.
   *
   * @param option the option's name
   * @param value the option's value; null if the user did not give the option
   * @return the file; null if the user did not give the option
   * @throws UsageException if the value is no path, or its folder does not exist
   */
  public static @Nullable OutputFile checked(String option, @Nullable String value) {
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

  /**
   * Writes the file.
   *
   * @param text the whole content
   * @throws UsageException if the file cannot be written
   */
  public void write(String text) {
    try {
      Files.writeString(path, text);
    } catch (IOException e) {
      throw new UsageException(option + " " + path + ": cannot be written: " + e.getMessage());
    }
  }
}
