package dev.s3llm.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Versions of the libraries that come with this module. */
class DependencyVersionsTest {
  private static final String CLASS_PATH =
      System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));

  @Test
  void jacksonTwo_hasOneVersion() {
    assertThat(versions("jackson-(?:core|databind)-(2\\.[0-9.]+)\\.jar"))
        .hasSize(2)
        .containsOnly(versions("jackson-databind-(2\\.[0-9.]+)\\.jar").get(0));
  }

  private static List<String> versions(String jar) {
    Pattern name = Pattern.compile(jar);
    return List.of(CLASS_PATH.split(File.pathSeparator)).stream()
        .map(path -> name.matcher(new File(path).getName()))
        .filter(Matcher::matches)
        .map(MatchResult.class::cast)
        .map(match -> match.group(1))
        .toList();
  }
}
