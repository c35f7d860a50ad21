package dev.s3llm.examples.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ForcedLengthsTest {
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(30_000, 16, 1, 2, 2, 8, 16, 128).llama(false);

  @Test
  void answers_haveTheTracesLengths() {
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      requests.add(new Trace.Request(0, 1 + i % 7, 1 + i * 3 % 40, 0));
    }
    Trace trace = new Trace(requests);
    try (CpuExecutor host = CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1)).build();
        S3Engine engine = S3Engine.builder(new ForcedLengths(host, trace)).build()) {
      List<CompletableFuture<GenerationResult>> results = new ArrayList<>();
      for (int i = 0; i < requests.size(); i++) {
        results.add(
            engine
                .submit(
                    GenerationRequest.builder(ForcedLengths.prompt(i, requests.get(i), 30_000))
                        .maxNewTokens(60)
                        .stopTokens(ForcedLengths.END)
                        .build())
                .result());
      }
      for (int i = 0; i < requests.size(); i++) {
        GenerationResult result = results.get(i).join();
        assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(result.outputTokens()).isEqualTo(requests.get(i).outputTokens());
      }
    }
  }
}
