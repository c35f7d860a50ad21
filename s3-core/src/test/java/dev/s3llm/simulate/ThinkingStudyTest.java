package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ThinkingStudyTest {
  @Test
  void lengthsPredictedApart_areNearerTheTruth_afterTheThinkingMost() {
    ThinkingStudy.Errors whole = ThinkingStudy.errors(false, 1_000, 1);
    ThinkingStudy.Errors apart = ThinkingStudy.errors(true, 1_000, 1);

    assertThat(apart.all()).isLessThan(whole.all());
    assertThat(apart.whileAnswering()).isLessThan(whole.whileAnswering() / 2);
  }

  @Test
  void simulation_servesOutputsThatThink_toTheEnd() {
    SimulationResult apart = ThinkingStudy.serve(true, 100, 4, 1);

    assertThat(apart.requests().finished()).isEqualTo(100);
  }
}
