package dev.s3llm.text;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;

/** The clock of tests that render a date. */
final class Today {
  static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-09T08:05:03Z"), ZoneOffset.UTC);

  private Today() {}
}
