package dev.s3llm.examples.docs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Checks that each relative link and image of the documents leads to a file, and to its heading.
 */
class DocLinksTest {
  private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
  private static final Pattern LINK =
      Pattern.compile("]\\((?!\\w+:)([^)\\s]+)\\)|(?:src|href)=\"(?!\\w+:)([^\"]+)\"");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} (.*)$");

  static Stream<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>();
    for (String folder : List.of("docs", "s3-examples", "s3-executor-jcuda", "s3-predictor-onnx")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
        files.filter(DocLinksTest::isDocument).forEach(documents::add);
      }
    }
    try (Stream<Path> files = Files.list(ROOT)) {
      files.filter(DocLinksTest::isDocument).forEach(documents::add);
    }
    return documents.stream().map(ROOT::relativize).sorted();
  }

  private static boolean isDocument(Path file) {
    String path = file.toString();
    return path.endsWith(".md") && !path.contains("/target/") && !path.contains("/node_modules/");
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyLink_leadsSomewhere(Path document) throws IOException {
    Path file = ROOT.resolve(document);
    List<String> broken = new ArrayList<>();
    for (MatchResult link : LINK.matcher(Files.readString(file, UTF_8)).results().toList()) {
      String target = link.group(1) == null ? link.group(2) : link.group(1);
      if (!resolves(file, target)) {
        broken.add(target);
      }
    }
    assertThat(broken).as("links of %s that lead nowhere", document).isEmpty();
  }

  private static boolean resolves(Path document, String target) throws IOException {
    int hash = target.indexOf('#');
    String path = hash < 0 ? target : target.substring(0, hash);
    Path file = path.isEmpty() ? document : document.resolveSibling(path);
    if (!Files.exists(file)) {
      return false;
    }
    return hash < 0 || anchors(file).contains(target.substring(hash + 1));
  }

  private static List<String> anchors(Path document) throws IOException {
    return HEADING
        .matcher(Files.readString(document, UTF_8))
        .results()
        .map(heading -> anchor(heading.group(1)))
        .toList();
  }

  private static String anchor(String heading) {
    String kept = heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "");
    return kept.strip().replace(' ', '-');
  }
}
