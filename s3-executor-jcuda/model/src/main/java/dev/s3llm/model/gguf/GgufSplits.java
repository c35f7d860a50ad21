package dev.s3llm.model.gguf;

import dev.s3llm.model.ModelFormatException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds and checks the files of a model that llama.cpp's {@code gguf-split} has split. */
final class GgufSplits {
  /** Metadata key of the number of files. */
  static final String COUNT = "split.count";

  private static final String NUMBER = "split.no";
  private static final String TENSORS = "split.tensors.count";
  private static final int MOST = 0xFFFF;
  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  private GgufSplits() {}

  /** Returns the files of the model that one of them belongs to, in order. */
  static List<Path> paths(Path path, GgufHeader header) {
    int count = header.integer(path, COUNT, 0, MOST);
    if (count <= 1) {
      return List.of(path);
    }
    Matcher name = NAME.matcher(String.valueOf(path.getFileName()));
    if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
      throw new ModelFormatException(
          ("%s is one of the %d files of a split model, so its name must end in"
                  + " -00001-of-%05d.gguf for the others to be found")
              .formatted(path, count, count));
    }
    List<Path> paths = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Path sibling =
          path.resolveSibling(
              String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", name.group(1), i, count));
      if (!Files.exists(sibling)) {
        throw new ModelFormatException(
            "%s is one of the %d files of a split model, but %s is missing"
                .formatted(path, count, sibling.getFileName()));
      }
      paths.add(sibling);
    }
    return paths;
  }

  /** Refuses a file that says another place than its name. */
  static void requirePlace(Path path, GgufHeader header, int index, int count) {
    int number = header.integer(path, NUMBER, 0, MOST);
    int of = Math.max(1, header.integer(path, COUNT, 0, MOST));
    if (number != index || of != count) {
      throw new ModelFormatException(
          "%s says that it is file %d of %d, but its name says %d of %d"
              .formatted(path, number + 1, of, index + 1, count));
    }
  }

  /** Refuses files that have fewer or more tensors together than the first says. */
  static void requireTotal(Path path, GgufHeader first, int tensors) {
    if (first.metadata().containsKey(TENSORS)
        && first.integer(path, TENSORS, 0, Integer.MAX_VALUE) != tensors) {
      throw new ModelFormatException(
          "%s: %s is %s, but the files have %d tensors"
              .formatted(path, TENSORS, first.metadata().get(TENSORS), tensors));
    }
  }
}
