package dev.s3llm.model.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The class path of the running tests: what Maven resolved for the module and for its tests. */
public final class ClassPath {
  private ClassPath() {}

  /** Returns the entries: jars, and folders of classes. */
  public static List<Path> entries() {
    return Pattern.compile(Pattern.quote(File.pathSeparator))
        .splitAsStream(System.getProperty("java.class.path"))
        .map(Path::of)
        .toList();
  }

  /** Returns the file names of the jars. */
  public static List<String> jars() {
    return entries().stream()
        .filter(Files::isRegularFile)
        .map(jar -> jar.getFileName().toString())
        .toList();
  }

  /** Returns the names of all files in all entries, with their folders within the entry. */
  public static List<String> files() {
    return entries().stream().filter(Files::exists).flatMap(ClassPath::filesOf).toList();
  }

  private static Stream<String> filesOf(Path entry) {
    try {
      if (Files.isDirectory(entry)) {
        try (Stream<Path> files = Files.walk(entry)) {
          return files.map(file -> entry.relativize(file).toString()).toList().stream();
        }
      }
      try (JarFile jar = new JarFile(entry.toFile())) {
        return jar.stream().map(file -> file.getName()).toList().stream();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(entry + " cannot be listed", e);
    }
  }
}
