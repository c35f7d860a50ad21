package dev.s3llm.model;

import dev.s3llm.model.ModelTensors.Attention;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Experts;
import dev.s3llm.model.ModelTensors.Layer;
import dev.s3llm.model.ModelTensors.Linear;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Chooses how the inputs of a model's matrices are rounded.
 *
 * @param format which inputs are rounded
 * @param weights how matrices are kept
 */
record InputRounding(ActivationFormat format, WeightFormat weights) {
  /** Returns whether no input is rounded, whatever the files say. */
  boolean none() {
    return format == ActivationFormat.WIDE
        || (format == ActivationFormat.STORED && weights != WeightFormat.STORED);
  }

  Layer layer(Layer own) {
    return new Layer(own.norms(), attention(own.attention()), dense(own.feedForward()));
  }

  Linear output(Linear own) {
    RoundedInput input = weights == WeightFormat.STORED ? declared(own) : null;
    return input == null ? own : with(own, input);
  }

  private Attention attention(Attention own) {
    RoundedInput common = common(own.query(), own.key(), own.value());
    return new Attention(
        with(own.query(), common),
        with(own.key(), common),
        with(own.value(), common),
        with(own.output(), common(own.output())),
        own.queryNorm(),
        own.keyNorm(),
        own.sinks());
  }

  private Experts dense(Experts own) {
    if (own.router() != null) {
      return own;
    }
    Expert part = own.experts().get(0);
    Linear gate = part.gate();
    RoundedInput common = gate == null ? common(part.up()) : common(gate, part.up());
    return new Experts(
        null,
        List.of(
            new Expert(
                gate == null ? null : with(gate, common),
                with(part.up(), common),
                with(part.down(), common(part.down())))));
  }

  /** Returns the rounding of the input that matrices share; null if one of them has none. */
  private @Nullable RoundedInput common(Linear... parts) {
    List<Optional<RoundedInput>> all =
        Stream.of(parts).map(part -> Optional.ofNullable(of(part))).toList();
    if (all.stream().anyMatch(Optional::isEmpty)) {
      return null;
    }
    List<RoundedInput> given = all.stream().map(Optional::orElseThrow).toList();
    return given.stream().map(RoundedInput::scaling).distinct().count() > 1
        ? RoundedInput.ROW
        : given.stream().reduce(RoundedInput::joined).orElseThrow();
  }

  private @Nullable RoundedInput of(Linear own) {
    if (weights == WeightFormat.FP8) {
      return RoundedInput.ROW;
    }
    RoundedInput declared = declared(own);
    return declared == null && format == ActivationFormat.FP8 && roundable(own)
        ? RoundedInput.ROW
        : declared;
  }

  private static @Nullable RoundedInput declared(Linear own) {
    return roundable(own) ? own.matrix().codes().flatMap(Codes::input).orElse(null) : null;
  }

  /** Products read e4m3 weights with a scale for each 128 columns. */
  private static boolean roundable(Linear own) {
    return own.matrix()
        .codes()
        .map(Codes::format)
        .filter(codes -> Objects.equals(codes, WeightFormat.FP8.rounded().orElseThrow()))
        .isPresent();
  }

  private static Linear with(Linear own, @Nullable RoundedInput input) {
    return new Linear(own.out(), own.in(), own.matrix(), own.bias(), input);
  }
}
