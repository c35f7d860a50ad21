package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** What passes a scanner is the text before the first stop string, however the text is split. */
class StopScannerTest {

  /** Few letters, so that stop strings overlap each other and nearly match. */
  @Provide
  Arbitrary<List<String>> pieces() {
    return Arbitraries.strings().withChars("ab\u00e9").ofMaxLength(6).list().ofMaxSize(12);
  }

  @Provide
  Arbitrary<List<String>> stops() {
    return Arbitraries.strings()
        .withChars("ab\u00e9")
        .ofMinLength(1)
        .ofMaxLength(5)
        .list()
        .ofMaxSize(4);
  }

  @Test
  void stopStringThatIsCompleteTooEarly_staysInTheText() {
    StopScanner scanner = new StopScanner(List.of("ab"));
    scanner.arm(false);
    assertThat(scanner.append("xab")).isEqualTo("xab");
    assertThat(scanner.append("ya")).isEqualTo("y");
    scanner.arm(true);
    assertThat(scanner.append("bz")).as("begun before, complete now").isEmpty();
    assertThat(scanner.found()).contains("ab");
  }

  @Property(tries = 5000)
  void pieces_addUpToTheTextBeforeTheFirstStopString(
      @ForAll("pieces") List<String> pieces, @ForAll("stops") List<String> stops) {
    StopScanner scanner = new StopScanner(stops);
    StringBuilder passed = new StringBuilder();
    pieces.forEach(piece -> passed.append(scanner.append(piece)));
    passed.append(scanner.finish());
    String text = String.join("", pieces);
    assertThat(passed).hasToString(text.substring(0, endOfAnswer(text, stops)));
    assertThat(scanner.found().isPresent()).isEqualTo(stops.stream().anyMatch(text::contains));
  }

  @Property(tries = 5000)
  void whatHasPassed_staysTrueWhateverComesNext(
      @ForAll("pieces") List<String> pieces,
      @ForAll("stops") List<String> stops,
      @ForAll("pieces") List<String> next) {
    StopScanner scanner = new StopScanner(stops);
    StringBuilder passed = new StringBuilder();
    pieces.forEach(piece -> passed.append(scanner.append(piece)));
    String text = String.join("", pieces) + String.join("", next);
    assertThat(text.substring(0, endOfAnswer(text, stops))).startsWith(passed);
  }

  @Property(tries = 5000)
  void noMoreIsHeldBackThanCouldBecomeAStopString(
      @ForAll("pieces") List<String> pieces, @ForAll("stops") List<String> stops) {
    StopScanner scanner = new StopScanner(stops);
    StringBuilder passed = new StringBuilder();
    pieces.forEach(piece -> passed.append(scanner.append(piece)));
    String held =
        scanner.found().isPresent() ? "" : String.join("", pieces).substring(passed.length());
    assertThat(held.isEmpty() || stops.stream().anyMatch(stop -> stop.startsWith(held))).isTrue();
  }

  @Test
  void ofStopStringsThatEndTogether_theLongestCounts() {
    StopScanner scanner = new StopScanner(List.of("c", "bc", "abcd"));
    assertThat(scanner.append("xabc")).isEqualTo("xa");
    assertThat(scanner.found()).hasValue("bc");
    assertThat(scanner.append("d")).isEmpty();
    assertThat(scanner.finish()).isEmpty();
  }

  @Test
  void stopStringsNeverSeen_holdNothingBackAtTheEnd() {
    StopScanner scanner = new StopScanner(new ArrayList<>(List.of("END")));
    assertThat(scanner.append("the EN")).isEqualTo("the ");
    assertThat(scanner.finish()).isEqualTo("EN");
    assertThat(scanner.found()).isEmpty();
  }

  @Test
  void specialTokens_areSearchedButNotPassedOn() {
    StopScanner scanner = new StopScanner(List.of("<end>", "a<x>b"));
    assertThat(scanner.append("1a") + scanner.appendHidden("<x>") + scanner.append("c"))
        .isEqualTo("1ac");
    assertThat(scanner.appendHidden("<other>")).isEmpty();
    assertThat(scanner.append("2a") + scanner.appendHidden("<x>") + scanner.append("b3"))
        .isEqualTo("2");
    assertThat(scanner.found()).hasValue("a<x>b");
    StopScanner other = new StopScanner(List.of("<end>"));
    assertThat(other.append("text") + other.appendHidden("<end>")).isEqualTo("text");
    assertThat(other.found()).hasValue("<end>");
  }

  @Test
  void textOfASpecialTokenThatWasHeldBack_isNotPassedOnAtTheEnd() {
    StopScanner scanner = new StopScanner(List.of("<x>b"));
    assertThat(scanner.append("a") + scanner.appendHidden("<x>")).isEqualTo("a");
    assertThat(scanner.finish()).isEmpty();
  }

  /** By looking at every beginning of the text in turn. */
  private static int endOfAnswer(String text, List<String> stops) {
    for (int end = 0; end <= text.length(); end++) {
      String sofar = text.substring(0, end);
      int longest = stops.stream().filter(sofar::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return end - longest;
      }
    }
    return text.length();
  }
}
