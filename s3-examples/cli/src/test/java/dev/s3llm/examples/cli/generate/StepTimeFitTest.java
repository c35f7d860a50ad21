package dev.s3llm.examples.cli.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.simulate.CostModel;
import org.junit.jupiter.api.Test;

class StepTimeFitTest {
  @Test
  void line_isFound() {
    StepTimeFit fit = fit(1, 5, 40, 17, 8);

    assertThat(fit.nanosPerStep()).isCloseTo(2_000_000, within(1.0));
    assertThat(fit.nanosPerToken()).isCloseTo(30_000, within(0.01));
    CostModel costs = new CostModel(StepTimeFit.model(1000), fit.profile());
    assertThat(costs.stepNanos(10, 500, 0)).isCloseTo(2_300_000, within(100L));
  }

  @Test
  void stepsAllAlike_areAllOfTheirTokens() {
    assertThat(fit(4, 4, 4).nanosPerToken()).isCloseTo(530_000, within(0.01));
    assertThat(fit(4, 4, 4).nanosPerStep()).isCloseTo(0, within(0.01));
  }

  private static StepTimeFit fit(int... tokens) {
    StepTimeFit fit = new StepTimeFit();
    for (int count : tokens) {
      fit.onEvent(new EngineEvent.StepCompleted(0, 0, count, count, 2_000_000 + 30_000L * count));
    }
    return fit;
  }
}
