package dev.s3llm.examples.cli.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.CommandTest;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class LabPageTest extends CommandTest {
  private static final List<String> POLICIES =
      List.of("worst-case", "s3", "oracle", "on-demand", "forecast", "clairvoyant");
  private static final Pattern SCRIPT = Pattern.compile("(?s)(<script[^>]*>)(.*?)(</script>)");

  @TempDir private Path folder;

  @Test
  void page_isWellFormed_andItsReferencesResolve() throws Exception {
    String html = page("plain.csv", 300, "4");
    String markup = SCRIPT.matcher(html).replaceAll("$1$3").replace("<!DOCTYPE html>", "");

    Document document =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(markup)));

    Set<String> ids = new HashSet<>();
    NodeList all = document.getElementsByTagName("*");
    for (int i = 0; i < all.getLength(); i++) {
      String id = ((Element) all.item(i)).getAttribute("id");
      assertThat(id.isEmpty() || ids.add(id)).as(id).isTrue();
    }
    for (int i = 0; i < all.getLength(); i++) {
      String label = ((Element) all.item(i)).getAttribute("aria-labelledby");
      assertThat(label.isEmpty() || ids.contains(label)).as(label).isTrue();
    }
    Matcher used = Pattern.compile("byId\\('([^']+)'\\)").matcher(html);
    while (used.find()) {
      assertThat(ids).contains(used.group(1));
    }
    assertThat(document.getDocumentElement().getAttribute("lang")).isEqualTo("en");
  }

  @Test
  void page_loadsNothing() throws IOException {
    String html = page("plain.csv", 300, "4");

    assertThat(html.replace("http://www.w3.org/2000/svg", "")).doesNotContainPattern("https?://");
    assertThat(html)
        .doesNotContainPattern("(?i)\\s(src|href|action|srcset)\\s*=")
        .doesNotContainPattern("(?i)@import|url\\(|fetch\\(|XMLHttpRequest|WebSocket|import\\(");
  }

  @Test
  void data_holdsEveryPolicyAndAgreesWithItself() throws IOException {
    JsonNode data = data(page("plain.csv", 300, "4"));

    JsonNode runs = data.path("points").get(0).path("runs");
    JsonNode details = data.path("details");
    assertThat(runs).extracting(run -> run.path("policy").textValue()).isEqualTo(POLICIES);
    assertThat(details).hasSize(POLICIES.size());
    long preemptions = 0;
    for (int i = 0; i < details.size(); i++) {
      JsonNode series = details.get(i).path("series");
      assertThat(sum(series.path("preemptions")))
          .isEqualTo(runs.get(i).path("preemptions").intValue());
      preemptions += runs.get(i).path("preemptions").intValue();
      assertThat(series.path("used"))
          .hasSameSizeAs(series.path("waiting"))
          .hasSizeLessThanOrEqualTo(StateSeries.BUCKETS);
      for (int k = 0; k < series.path("used").size(); k++) {
        assertThat(series.path("reserved").get(k).doubleValue())
            .isBetween(series.path("used").get(k).doubleValue() - 1e-9, 1.0);
      }
      assertThat(details.get(i).path("ttft").get(50).doubleValue())
          .isCloseTo(runs.get(i).path("ttft_p99_s").doubleValue(), withinPercentage(0.01));
    }
    assertThat(preemptions).isPositive(); // otherwise the sums above are trivial
  }

  @Test
  void records_tellWaitsThatMatchTheTimeline() throws IOException {
    JsonNode data = data(page("plain.csv", 300, "4"));

    for (JsonNode detail : data.path("details")) {
      assertThat(detail.path("records")).hasSize(256);
      for (JsonNode record : detail.path("records")) {
        double waitedMillis = 0;
        int losses = 0;
        for (JsonNode span : record.path("spans")) {
          boolean runs = span.get(0).textValue().equals("r");
          waitedMillis += runs ? 0 : span.get(2).doubleValue() - span.get(1).doubleValue();
          losses += span.get(0).textValue().equals("p") ? 1 : 0;
        }
        assertThat(sum(record.path("waited")) * 1000)
            .isCloseTo(waitedMillis, within(1.0 + waitedMillis * 1e-3));
        assertThat(record.path("losses")).hasSize(losses);
      }
    }
  }

  @Test
  void hostileNames_stayText() throws IOException {
    String html = page("a<script>b&amp;.csv", 20, "4");

    assertThat(html).doesNotContain("a<script>");
    assertThat(data(html).path("facts").get(0).get(1).textValue()).isEqualTo("a<script>b&amp;.csv");
  }

  @Test
  void size_doesNotGrowWithTheTrace() throws IOException {
    int small = page("plain.csv", 1_000, "24").length();
    int large = page("plain.csv", 5_000, "24").length();

    assertThat(large).isLessThan(2_000_000).isLessThan(3 * small);
  }

  @Test
  void sweep_isDrawnFromEveryPoint() throws IOException {
    JsonNode data = data(page("plain.csv", 50, "4", "--sweep", "rate=1,10,50"));

    assertThat(data.path("sweep").path("label").textValue()).isEqualTo("rate");
    assertThat(data.path("points")).hasSize(3);
    assertThat(data.path("points").get(0).path("runs")).hasSize(POLICIES.size());
  }

  private static double sum(JsonNode array) {
    double sum = 0;
    for (JsonNode value : array) {
      sum += value.doubleValue();
    }
    return sum;
  }

  private static JsonNode data(String html) throws IOException {
    Matcher script = SCRIPT.matcher(html);
    assertThat(script.find()).isTrue();
    assertThat(script.group(1)).contains("application/json");
    return new ObjectMapper().readTree(script.group(2));
  }

  /** Writes and reads the page of a burst that needs more memory than there is. */
  private String page(String name, int requests, String kvGb, String... more) throws IOException {
    StringBuilder rows = new StringBuilder("arrival_s,prompt_tokens,output_tokens\n");
    for (int i = 0; i < requests; i++) {
      rows.append(i * 0.01).append(',').append(20 + i % 50).append(',');
      rows.append(20 + (i * 37) % 300).append('\n');
    }
    Path trace = Files.writeString(folder.resolve(name), rows);
    Path page = folder.resolve("page.html");
    List<String> args =
        new ArrayList<>(List.of("replay", "--trace", trace.toString(), "--model", "llama-33b"));
    args.addAll(List.of("--gpu", "h200", "--kv-gb", kvGb, "--html", page.toString()));
    args.addAll(List.of("--policy", String.join(",", POLICIES), "--error", "bias:-0.5"));
    args.addAll(List.of("--slo-ttft", "1", "--max-length", "1024"));
    args.addAll(Arrays.asList(more));
    assertThat(run(args)).as(err.toString()).isZero();
    return Files.readString(page);
  }
}
