package dev.s3llm.examples.cli.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class WaitLedgerTest {
  private static final long SECOND = 1_000_000_000;
  private final WaitLedger ledger = new WaitLedger();

  @Test
  void whatTheFirstInLineWaitsFor_allBehindItWaitFor() {
    ledger.begin(0, "a", false);
    ledger.begin(SECOND, "b", false);
    ledger.deferred(2 * SECOND, "a", "memory");
    double[] a = ledger.end(5 * SECOND, "a");
    double[] b = ledger.end(6 * SECOND, "b");

    assertThat(ledger.reasons()).containsExactly(WaitLedger.STEP, "memory");
    assertThat(a).startsWith(2e9, 3e9);
    assertThat(b)
        .startsWith(2e9, 3e9); // one second before the report, one after the admission of a
    assertThat(ledger.firstSeconds()).containsExactly(4, 6);
  }

  @Test
  void waitsAfterPreemptions_areCountedApart() {
    ledger.begin(0, "a", false);
    ledger.end(SECOND, "a");
    ledger.begin(3 * SECOND, "a", true);
    ledger.end(5 * SECOND, "a");

    assertThat(ledger.firstSeconds()).containsExactly(1);
    assertThat(ledger.againSeconds()).containsExactly(2);
  }

  @Test
  void reasonsBeyondTheLimit_areOneReason() {
    ledger.begin(0, "a", false);
    for (int i = 0; i < 30; i++) {
      ledger.deferred(i * SECOND, "a", "reason " + i);
    }
    double[] spent = ledger.end(30 * SECOND, "a");

    assertThat(ledger.reasons()).hasSize(12).contains("other reasons");
    assertThat(spent[11]).isEqualTo(20e9);
  }

  @Test
  void endWithoutWait_countsNothing() {
    assertThat(ledger.end(SECOND, "unknown")).containsOnly(0);
    assertThat(ledger.firstSeconds()).containsOnly(0);
  }
}
