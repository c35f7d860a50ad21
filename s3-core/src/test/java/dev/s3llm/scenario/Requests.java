package dev.s3llm.scenario;

import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;

/** The source of a scenario's requests. */
final class Requests {
  private static final int[] RARE = {7};
  private static final int[] FREQUENT = {7, 11, 17, 23, 31, 43};

  private final Setting setting;
  private final Random random;
  private final FaultPlan faults;

  Requests(Setting setting, Random random, FaultPlan faults) {
    this.setting = setting;
    this.random = random;
    this.faults = faults;
  }

  /** Returns a valid request of a random tenant, with random limits. */
  GenerationRequest next(String id) {
    int capacity = (int) Math.min(setting.profile().capacityTokens(), Setting.MAX_CONTEXT);
    int prompt = 1 + random.nextInt(Math.max(1, capacity / 2));
    int maxNew = 1 + random.nextInt(Math.min(Setting.MAX_OUTPUT, Math.max(1, capacity - prompt)));
    GenerationRequest.Builder builder =
        prompting(random.ints(prompt, 0, Setting.VOCABULARY).toArray())
            .id(id)
            .maxNewTokens(maxNew)
            .stopTokens(random.nextInt(3) == 0 ? FREQUENT : RARE)
            .sampling(SamplingParameters.ofTemperature(1, random.nextLong()))
            .tenant("abc".substring(random.nextInt(setting.tenants())).substring(0, 1))
            .priority(random.nextInt(6) == 0 ? 1 : 0);
    if (faults.strikes(Fault.DEADLINE, 8)) {
      builder.deadline(Duration.ofNanos(Math.max(1, random.nextInt(120) - 10)));
    }
    if (random.nextInt(20) == 0) {
      builder.firstTokenWithin(Duration.ofNanos(1 + random.nextInt(300)));
    }
    if (random.nextInt(20) == 0) {
      builder.timePerOutputToken(Duration.ofNanos(1 + random.nextInt(20)));
    }
    return builder.build();
  }

  /** Replaces the first tokens of some prompts by an opaque input, where the executor takes one. */
  private GenerationRequest.Builder prompting(int[] prompt) {
    boolean fits = prompt.length <= setting.profile().maxTokensPerStep();
    if (!setting.profile().takesInputs() || !fits || prompt[0] % 2 == 0) {
      return GenerationRequest.builder(prompt);
    }
    int slots = 1 + prompt[0] % prompt.length;
    int[] rest = Arrays.copyOfRange(prompt, slots, prompt.length);
    return GenerationRequest.builder(new Sound(slots, prompt[0]), rest);
  }

  /** An opaque input. */
  private record Sound(int slots, int content) implements SequenceStep.Input {}

  /** Returns a request that the engine must refuse. */
  GenerationRequest bad() {
    return switch (random.nextInt(3)) {
      case 0 -> GenerationRequest.builder(new int[Setting.MAX_CONTEXT]).maxNewTokens(1).build();
      case 1 -> GenerationRequest.builder(1, Setting.VOCABULARY).maxNewTokens(1).build();
      default -> GenerationRequest.builder(1).maxNewTokens(1).stopTokens(-1).build();
    };
  }
}
