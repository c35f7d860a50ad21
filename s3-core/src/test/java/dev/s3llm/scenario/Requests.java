package dev.s3llm.scenario;

import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.testkit.HashExecutor;
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
  private GenerationRequest latest;

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
    int[] drawn = random.ints(prompt, 0, Setting.VOCABULARY).toArray();
    GenerationRequest.Builder builder =
        prompting(setting.sharing().enabled() ? alike(drawn, maxNew) : drawn)
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
    if (setting.sharing().enabled() && drawn[0] % 7 == 0) {
      builder.cacheSalt("common");
    }
    if (setting.constrains() && drawn[0] % 3 > 0) {
      builder.tokenConstraint(new HashRule(drawn[0]));
    }
    if (setting.constrains() && drawn[0] % 4 > 0) {
      builder.logProbabilities(drawn[0] % 4 - 1);
    }
    if (setting.sharing().enabled() && drawn[0] % 11 == 0) {
      builder.sessionEnds(true);
    }
    GenerationRequest request = builder.build();
    latest = request;
    return request;
  }

  /**
   * Makes most prompts begin like others: with one of two texts, or with the whole conversation of
   * the latest request. The drawn tokens make all choices.
   */
  private int[] alike(int[] drawn, int maxNew) {
    int[] prompt = drawn.clone();
    int kind = drawn[0] % 4;
    if (kind == 0
        && latest != null
        && latest.input().isEmpty()
        && latest.tokenConstraint().isEmpty()) {
      return followUp(latest, prompt, maxNew);
    }
    int common = kind == 3 ? 0 : (drawn[drawn.length - 1] % 5) * drawn.length / 4;
    for (int i = 0; i < Math.min(common, drawn.length); i++) {
      prompt[i] = (i * 7 + kind % 2 * 13) % Setting.VOCABULARY;
    }
    return prompt;
  }

  private int[] followUp(GenerationRequest before, int[] drawn, int maxNew) {
    int[] answer =
        HashExecutor.expected(
            before.promptTokens(),
            before.sampling(),
            before.maxNewTokens(),
            before.stopTokens(),
            Setting.VOCABULARY);
    int capacity = (int) Math.min(setting.profile().capacityTokens(), Setting.MAX_CONTEXT);
    int known = before.promptLength() + answer.length;
    int[] prompt = Arrays.copyOf(before.promptTokens(), known + 1 + drawn.length % 5);
    System.arraycopy(answer, 0, prompt, before.promptLength(), answer.length);
    for (int i = known; i < prompt.length; i++) {
      prompt[i] = drawn[(i - known) % drawn.length];
    }
    return prompt.length + maxNew <= capacity ? prompt : drawn;
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
