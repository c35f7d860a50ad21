package dev.s3llm.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the text format of Prometheus, version 0.0.4, and fails at what a server would not take:
 * samples before their type, a second type, samples of another family, histograms whose buckets
 * fall or end without {@code +Inf}, and repeated series.
 */
final class PrometheusReader {
  private static final Pattern TYPE =
      Pattern.compile("# TYPE ([a-z_][a-z0-9_]*) (counter|gauge|histogram)");
  private static final Pattern SAMPLE =
      Pattern.compile("([a-z_][a-z0-9_]*)(?:\\{(.*)\\})? (NaN|[-+]?[0-9.]+(?:E-?[0-9]+)?)");
  private static final Pattern LABEL =
      Pattern.compile("\\G([a-z_]+)=\"((?:[^\"\\\\]|\\\\[\\\\\"n])*)\"(?:,|$)");

  private final Map<String, List<Sample>> families = new LinkedHashMap<>();
  private String family = "";
  private String type = "";

  /**
   * A line with a value.
   *
   * @param suffix what follows the name of the family
   * @param labels value by label
   * @param value the value
   */
  record Sample(String suffix, Map<String, String> labels, double value) {}

  private PrometheusReader() {}

  /** Returns the samples by family. */
  static Map<String, List<Sample>> read(String text) {
    assertThat(text).endsWith("\n").doesNotContain("\r");
    PrometheusReader reader = new PrometheusReader();
    text.lines().forEach(reader::line);
    reader.families.values().forEach(PrometheusReader::checked);
    return reader.families;
  }

  private void line(String line) {
    Matcher head = TYPE.matcher(line);
    if (line.startsWith("# HELP ")) {
      assertThat(line.split(" ", 4)).hasSize(4);
    } else if (head.matches()) {
      family = head.group(1);
      type = head.group(2);
      assertThat(families.put(family, new ArrayList<>())).as(line).isNull();
    } else {
      families.get(family).add(sample(line));
    }
  }

  private Sample sample(String line) {
    Matcher matcher = SAMPLE.matcher(line);
    assertThat(matcher.matches()).as(line).isTrue();
    assertThat(matcher.group(1)).startsWith(family);
    String suffix = matcher.group(1).substring(family.length());
    assertThat(suffix).as(line).isIn(suffixes());
    assertThat(family.endsWith("_total")).as(line).isEqualTo(type.equals("counter"));
    return new Sample(suffix, labels(matcher.group(2)), Double.parseDouble(matcher.group(3)));
  }

  private List<String> suffixes() {
    return type.equals("histogram") ? List.of("_bucket", "_sum", "_count") : List.of("");
  }

  private static Map<String, String> labels(String text) {
    Map<String, String> labels = new LinkedHashMap<>();
    int end = 0;
    Matcher label = LABEL.matcher(text == null ? "" : text);
    while (label.find()) {
      assertThat(labels.put(label.group(1), unescaped(label.group(2)))).isNull();
      end = label.end();
    }
    assertThat(end).isEqualTo(text == null ? 0 : text.length());
    return labels;
  }

  private static String unescaped(String text) {
    return text.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
  }

  private static void checked(List<Sample> samples) {
    assertThat(samples).extracting(s -> s.suffix() + s.labels()).doesNotHaveDuplicates();
    double before = 0;
    Sample last = null;
    for (Sample sample : samples) {
      if (sample.suffix().equals("_bucket")) {
        assertThat(sample.value()).isGreaterThanOrEqualTo(before);
        before = sample.value();
        last = sample;
      } else if (sample.suffix().equals("_count")) {
        assertThat(last.labels()).containsEntry("le", "+Inf");
        assertThat(last.value()).isEqualTo(sample.value());
        before = 0;
      }
    }
  }
}
