package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Linear;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the format of each matrix on the device. Matrices that are joined have one format.
 *
 * @param stored whether matrices keep the format of the files where the kernels read it
 * @param rounded format to which the matrices of layers are rounded; null for none
 */
public record WeightPlan(boolean stored, Codes.@Nullable Format rounded) {
  /** Every matrix with 16 bits. */
  static final WeightPlan WIDE = new WeightPlan(false, null);

  /** Returns the format of dense matrices of a layer; null for 16 bits. */
  @Nullable CodeFormat layer(Linear... parts) {
    Codes.Format given = rounded;
    return given == null ? output(parts) : new CodeFormat(given);
  }

  /** Returns the format of matrices that are not rounded, such as the output; null for 16 bits. */
  @Nullable CodeFormat output(Linear... parts) {
    CodeFormat format = common(List.of(parts));
    return format == null || !format.dense() ? null : format;
  }

  /** Returns the format of the up and gate matrices of a feed-forward part; null for 16 bits. */
  @Nullable CodeFormat up(List<Expert> experts) {
    List<Linear> all = new ArrayList<>();
    for (Expert expert : experts) {
      Linear gate = expert.gate();
      if (gate != null) {
        all.add(gate);
      }
      all.add(expert.up());
    }
    return part(all, experts.size());
  }

  /** Returns the format of the down matrices of a feed-forward part; null for 16 bits. */
  @Nullable CodeFormat down(List<Expert> experts) {
    return part(experts.stream().map(Expert::down).toList(), experts.size());
  }

  private @Nullable CodeFormat part(List<Linear> all, int experts) {
    Codes.Format given = rounded;
    if (given != null) {
      return new CodeFormat(given);
    }
    CodeFormat format = common(all);
    return format == null || (experts == 1 && !format.dense()) ? null : format;
  }

  private @Nullable CodeFormat common(List<Linear> parts) {
    if (!stored) {
      return null;
    }
    List<Optional<Codes.Format>> formats =
        parts.stream().map(part -> part.matrix().codes().map(Codes::format)).distinct().toList();
    return formats.size() == 1 ? formats.get(0).map(CodeFormat::new).orElse(null) : null;
  }

  /** Returns the bytes that a stage's weights take on its device. */
  long bytes(ModelConfig config, LayerRange range, ModelTensors tensors) {
    long bytes = 0;
    for (int i = range.from(); i < range.to(); i++) {
      bytes += bytes(tensors.layers().get(i));
    }
    if (range.first()) {
      bytes += Layouts.NUMBER_BYTES * tensors.embedding().elements();
    }
    if (range.last(config)) {
      bytes += bytes(output(tensors.output()), tensors.output());
    }
    return bytes;
  }

  private long bytes(ModelTensors.Layer layer) {
    ModelTensors.Attention attention = layer.attention();
    Linear[] joined = {attention.query(), attention.key(), attention.value()};
    List<Expert> experts = layer.feedForward().experts();
    Linear router = layer.feedForward().router();
    Expert one = experts.get(0);
    Linear[] up = Stream.of(one.gate(), one.up()).filter(own -> own != null).toArray(Linear[]::new);
    return bytes(layer(joined), joined)
        + bytes(layer(attention.output()), attention.output())
        + (router == null ? 0 : bytes(null, router))
        + experts.size() * (bytes(up(experts), up) + bytes(down(experts), one.down()));
  }

  /** Returns the bytes of joined matrices. */
  static long bytes(@Nullable CodeFormat format, Linear... parts) {
    int out = Stream.of(parts).mapToInt(Linear::out).sum();
    return bytes(format, out, parts[0].in());
  }

  /** Returns the bytes of a matrix {@code [out][in]}. */
  static long bytes(@Nullable CodeFormat format, int out, int in) {
    return format == null ? Layouts.weightBytes(out, in) : format.bytes(out, in);
  }
}
