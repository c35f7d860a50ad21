package dev.s3llm.execute;

import com.google.common.base.Preconditions;
import dev.s3llm.support.Settings;
import java.util.Map;

/**
 * How the next token is drawn from the logits. The draw is a pure function of the logits, the
 * tokens so far, these parameters and the position. So a preempted sequence continues with the same
 * tokens. Immutable and thread-safe.
 *
 * <p>An executor applies them in this order:
 *
 * <ol>
 *   <li>log probabilities ({@link SequenceStep#logProbabilities}) are those of the logits that the
 *       model computed;
 *   <li>{@code logitBias};
 *   <li>{@code repetitionPenalty}, over prompt and output, then {@code presencePenalty} and {@code
 *       frequencyPenalty}, over the output alone: {@code logit - (frequencyPenalty * occurrences +
 *       presencePenalty)} for each token that occurred, in single precision;
 *   <li>the masks of the step ({@link SequenceStep#allowedTokens}, {@link
 *       SequenceStep#forbiddenTokens}); what follows counts the tokens that they leave;
 *   <li>{@code temperature};
 *   <li>{@code topK}, then {@code minP}, then {@code topP} among the tokens that the two leave;
 *   <li>the draw ({@link #uniform}).
 * </ol>
 *
 * @param temperature divisor of the logits, from 0 to 100; 0 for greedy decoding
 * @param topK number of most probable tokens to keep; 0 keeps all
 * @param topP the smallest set of tokens whose probability reaches this value is kept; above 0, at
 *     most 1, which keeps all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that already
 *     occurred (CTRL, section 4.1); from 0.01 to 100, and 1 changes nothing
 * @param minP tokens whose probability is below this part of the most probable token's are dropped,
 *     after the temperature; from 0, which keeps all, to 1
 * @param presencePenalty subtracted from the logits of tokens that occurred in the output; from -2
 *     to 2, and 0 changes nothing
 * @param frequencyPenalty subtracted from the logit of a token as often as it occurred in the
 *     output; from -2 to 2, and 0 changes nothing
 * @param logitBias added to the logits of single tokens, by id; each from -100 to 100, at most
 *     {@value #MOST_BIASES}. Ids outside the vocabulary are refused when a request is submitted
 * @param seed seed of the random draws, any value
 */
public record SamplingParameters(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    long seed) {

  /** Greedy decoding: the most probable token, and among equals the lowest id. */
  public static final SamplingParameters GREEDY = new SamplingParameters(0, 0, 1, 1, 0);

  /** The largest number of tokens with a bias, {@value}. */
  public static final int MOST_BIASES = 1024;

  private static final double MAX_TEMPERATURE = 100;
  private static final double MAX_BIAS = 100;
  private static final double MAX_PENALTY = 100;

  /**
   * Validates the ranges.
   *
   * @throws IllegalArgumentException naming the parameter, its value and its limits
   */
  public SamplingParameters {
    within("temperature", temperature, 0, MAX_TEMPERATURE);
    within("topP", topP, Double.MIN_NORMAL, 1);
    within("repetitionPenalty", repetitionPenalty, 0.01, MAX_PENALTY);
    within("minP", minP, 0, 1);
    within("presencePenalty", presencePenalty, -2, 2);
    within("frequencyPenalty", frequencyPenalty, -2, 2);
    Settings.requireAtLeast("topK", topK, 0);
    logitBias = checkedBiases(logitBias);
    temperature = temperature + 0.0; // turns -0.0 into 0.0, so that equal parameters are equal
  }

  /**
   * Creates parameters without the newer settings.
   *
   * @param temperature divisor of the logits, from 0 to 100; 0 for greedy decoding
   * @param topK number of most probable tokens to keep; 0 keeps all
   * @param topP the smallest set of tokens whose probability reaches this value is kept; above 0,
   *     at most 1
   * @param repetitionPenalty from 0.01 to 100, and 1 changes nothing
   * @param seed seed of the random draws, any value
   * @throws IllegalArgumentException naming the parameter, its value and its limits
   */
  public SamplingParameters(
      double temperature, int topK, double topP, double repetitionPenalty, long seed) {
    this(temperature, topK, topP, 0, repetitionPenalty, 0, 0, Map.of(), seed);
  }

  /**
   * Returns these parameters with another {@code minP}.
   *
   * @param minP from 0 to 1
   * @throws IllegalArgumentException if the value is out of range
   */
  public SamplingParameters withMinP(double minP) {
    return with(minP, presencePenalty, frequencyPenalty, logitBias, seed);
  }

  /**
   * Returns these parameters with other penalties for tokens of the output.
   *
   * @param presencePenalty from -2 to 2
   * @param frequencyPenalty from -2 to 2
   * @throws IllegalArgumentException if a value is out of range
   */
  public SamplingParameters withPenalties(double presencePenalty, double frequencyPenalty) {
    return with(minP, presencePenalty, frequencyPenalty, logitBias, seed);
  }

  /**
   * Returns these parameters with other biases.
   *
   * @param logitBias what is added to the logits of single tokens, by id; each from -100 to 100
   * @throws IllegalArgumentException if a value is out of range, or there are too many
   */
  public SamplingParameters withLogitBias(Map<Integer, Double> logitBias) {
    return with(minP, presencePenalty, frequencyPenalty, logitBias, seed);
  }

  /**
   * Returns these parameters with another seed.
   *
   * @param seed seed of the random draws, any value
   */
  public SamplingParameters withSeed(long seed) {
    return with(minP, presencePenalty, frequencyPenalty, logitBias, seed);
  }

  /**
   * Returns parameters that draw from the whole distribution.
   *
   * @param temperature from 0 to 100; 0 for greedy decoding
   * @param seed seed of the random draws
   * @throws IllegalArgumentException if the temperature is out of range
   */
  public static SamplingParameters ofTemperature(double temperature, long seed) {
    return new SamplingParameters(temperature, 0, 1, 1, seed);
  }

  /** Returns whether the most probable token is taken, without a random draw. */
  public boolean greedy() {
    return temperature == 0;
  }

  /**
   * Returns the random number for the token at a position, uniform in {@code [0, 1)}. It is a
   * function of seed and position alone (the finaliser of SplitMix64, Steele et al., OOPSLA 2014).
   *
   * @param position position of the token in the sequence, 0 or more
   */
  public double uniform(int position) {
    long z = seed + 0x9E3779B97F4A7C15L * (position + 1L);
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1.0p-53;
  }

  private SamplingParameters with(
      double otherMinP,
      double presence,
      double frequency,
      Map<Integer, Double> biases,
      long other) {
    return new SamplingParameters(
        temperature, topK, topP, otherMinP, repetitionPenalty, presence, frequency, biases, other);
  }

  private static Map<Integer, Double> checkedBiases(Map<Integer, Double> biases) {
    Preconditions.checkArgument(
        biases.size() <= MOST_BIASES,
        "logitBias may have at most %s tokens, but has %s",
        MOST_BIASES,
        biases.size());
    biases.forEach(
        (token, bias) -> within("logitBias of token " + token, bias, -MAX_BIAS, MAX_BIAS));
    return Map.copyOf(biases);
  }

  private static void within(String name, double value, double minimum, double maximum) {
    Preconditions.checkArgument(
        value >= minimum && value <= maximum,
        "%s must be from %s to %s, but is %s",
        name,
        minimum,
        maximum,
        value);
  }
}
