package dev.s3llm.text.internal.jinja;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

/** Renders templates with a small conversation, for the tests of this package. */
final class Renders {
  static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-09T08:05:03Z"), ZoneOffset.UTC);

  static final Map<String, Object> VARIABLES =
      Map.of(
          "messages",
          List.of(
              Map.of("role", "system", "content", "Be brief."),
              Map.of("role", "user", "content", " Hi "),
              Map.of("role", "assistant", "content", "Hello"),
              Map.of("role", "user", "content", "Bye")),
          "add_generation_prompt",
          true);

  private Renders() {}

  static String text(String source) {
    return rendering(source).text();
  }

  static Rendering rendering(String source) {
    return rendering(source, VARIABLES);
  }

  static Rendering rendering(String source, Map<String, Object> foreign) {
    return Template.parse(source)
        .render(Map.of("bos_token", "<s>"), foreign, RenderLimits.standard(), CLOCK);
  }
}
