package dev.s3llm.execute;

/**
 * How the next token is drawn from the logits. Drawing is a pure function of the logits, these
 * parameters and the position, so that a sequence that was preempted continues with the same
 * tokens.
 *
 * @param temperature 0 for greedy decoding, otherwise the divisor of the logits
 * @param topK keep this many of the most probable tokens; 0 keeps all
 * @param topP keep the smallest set of tokens whose probability reaches this; 1 keeps all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that already
 *     occurred (CTRL, section 4.1); 1 leaves them
 * @param seed of the random draws
 */
public record SamplingParameters(
    double temperature, int topK, double topP, double repetitionPenalty, long seed) {

  /** Always the most probable token; the lowest id among equals. */
  public static final SamplingParameters GREEDY = new SamplingParameters(0, 0, 1, 1, 0);

  private static final double MAX_TEMPERATURE = 100;
  private static final double MAX_PENALTY = 100;

  /** Validates ranges; the message names the parameter, its value and the limits. */
  public SamplingParameters {
    within("temperature", temperature, 0, MAX_TEMPERATURE);
    within("topP", topP, Double.MIN_NORMAL, 1);
    within("repetitionPenalty", repetitionPenalty, 0.01, MAX_PENALTY);
    if (topK < 0) {
      throw new IllegalArgumentException("topK must be at least 0, but is " + topK);
    }
    temperature = temperature + 0.0; // turns -0.0 into 0.0
  }

  /** Draws from the whole distribution at the given temperature. */
  public static SamplingParameters ofTemperature(double temperature, long seed) {
    return new SamplingParameters(temperature, 0, 1, 1, seed);
  }

  /** Whether the most probable token is taken without a draw. */
  public boolean greedy() {
    return temperature == 0;
  }

  /**
   * The random draw for the token at a position: uniform in {@code [0, 1)}, a function of seed and
   * position alone (the finaliser of SplitMix64, Steele et al., OOPSLA 2014).
   */
  public double uniform(int position) {
    long z = seed + 0x9E3779B97F4A7C15L * (position + 1L);
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1.0p-53;
  }

  private static void within(String name, double value, double minimum, double maximum) {
    if (!(value >= minimum && value <= maximum)) {
      throw new IllegalArgumentException(
          name + " must be from " + minimum + " to " + maximum + ", but is " + value);
    }
  }
}
