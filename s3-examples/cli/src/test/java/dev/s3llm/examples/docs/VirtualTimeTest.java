package dev.s3llm.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.GenerationRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class VirtualTimeTest {

  @Test
  @Timeout(60)
  void tokens_areThoseOfTheExecutor() {
    GenerationRequest request = GenerationRequest.builder(7, 8, 7).maxNewTokens(4).build();
    assertThat(VirtualTime.tokens(new LookupExecutor(), request)).containsExactly(8, 7, 8, 7);
  }
}
