package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.family.Family;
import dev.s3llm.model.family.TensorNames;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a model by what they are for, with checked shapes. Nothing is read yet: each
 * tensor is read by its slices while the source is open. Matrices are {@code [out][in]}.
 *
 * @param embedding {@code [vocabulary][hidden]}
 * @param layers tensors of each decoder layer, first to last
 * @param finalNorm norm before the output matrix
 * @param output {@code [vocabulary][hidden]}; the embedding itself if the output is tied
 */
public record ModelTensors(Tensor embedding, List<Layer> layers, Norm finalNorm, Linear output) {
  /** Tensors that files have and models do not read, since they are computed or without effect. */
  private static final Pattern LEFTOVER =
      Pattern.compile(
          ".*\\.rotary_emb\\.inv_freq"
              + "|transformer\\.h\\.\\d+\\.attn\\.(bias|masked_bias)"
              + "|(model\\.)?(vision_tower|vision_model|multi_modal_projector|visual)\\..*");

  /**
   * The tensors of one decoder layer.
   *
   * @param norms its norms
   * @param attention its attention
   * @param feedForward its feed-forward part
   */
  public record Layer(Norms norms, Attention attention, Experts feedForward) {}

  /**
   * The norms of a layer; null where the family has none at that place.
   *
   * @param beforeAttention norm before the attention; before both parts where they share one
   * @param afterAttention norm of the attention's result
   * @param beforeFeedForward norm before the feed-forward part
   * @param afterFeedForward norm of the feed-forward part's result
   */
  public record Norms(
      @Nullable Norm beforeAttention,
      @Nullable Norm afterAttention,
      @Nullable Norm beforeFeedForward,
      @Nullable Norm afterFeedForward) {}

  /**
   * The attention of a layer.
   *
   * @param query query projection
   * @param key key projection
   * @param value value projection
   * @param output projection of the attention's result
   * @param queryNorm norm on queries; null if there is none
   * @param keyNorm norm on keys; null if there is none
   * @param sinks logit of each head without a value; null if there is none
   */
  public record Attention(
      Linear query,
      Linear key,
      Linear value,
      Linear output,
      @Nullable Norm queryNorm,
      @Nullable Norm keyNorm,
      @Nullable Tensor sinks) {}

  /**
   * A feed-forward part: a router and its experts, or a single expert without a router.
   *
   * @param router {@code [experts][hidden]}; null for a dense part
   * @param experts the experts, at least one
   */
  public record Experts(@Nullable Linear router, List<Expert> experts) {}

  /**
   * The matrices of a dense feed-forward part, or of an expert.
   *
   * @param gate gate; null if the part is not gated
   * @param up first matrix
   * @param down last matrix
   */
  public record Expert(@Nullable Linear gate, Linear up, Linear down) {}

  /**
   * A norm.
   *
   * @param weight scale {@code [width]}, as stored
   * @param bias bias {@code [width]}; null for an RMS norm
   * @param onePlus whether 1 is added to the scale
   */
  public record Norm(Tensor weight, @Nullable Tensor bias, boolean onePlus) {
    /** Reads the scale, with the 1 added where the family adds it. */
    public float[] scale() {
      float[] scale = weight.floats();
      if (onePlus) {
        for (int i = 0; i < scale.length; i++) {
          scale[i] += 1;
        }
      }
      return scale;
    }
  }

  /**
   * A matrix with an optional bias.
   *
   * @param out rows: the width of the result
   * @param in columns: the width of the input
   * @param matrix {@code [out][in]}
   * @param bias {@code [out]}, or null
   * @param input how its input is rounded; null if it is not
   */
  public record Linear(
      int out, int in, Tensor matrix, @Nullable Tensor bias, @Nullable RoundedInput input) {
    /** A matrix whose input is not rounded. */
    public Linear(int out, int in, Tensor matrix, @Nullable Tensor bias) {
      this(out, in, matrix, bias, null);
    }

    /** Reads the bias; null if there is none. */
    public float @Nullable [] biasFloats() {
      Tensor own = bias;
      return own == null ? null : own.floats();
    }
  }

  /**
   * Finds all tensors of a model and checks their shapes.
   *
   * @param config configuration of the model
   * @param source tensors of the model; stays open
   * @throws ModelFormatException naming a tensor that is missing, has another shape, or is there
   *     although nothing reads it, so that the arithmetic must be another
   */
  public static ModelTensors of(ModelConfig config, TensorSource source) {
    Family family = Family.of(config);
    Finder finder = new Finder(config, family.names(), family.adapted(config, source));
    ModelTensors tensors = finder.find();
    finder.refuseUnread();
    return tensors;
  }

  /**
   * Returns these tensors as an executor on a CPU keeps them: the matrices of layers change,
   * routers excepted, and where all numbers are widened the output matrix, too.
   *
   * @param format the format; {@link WeightFormat#STORED} changes nothing
   */
  public ModelTensors in(WeightFormat format) {
    if (format == WeightFormat.STORED) {
      return this;
    }
    List<Layer> changed =
        layers.stream()
            .map(layer -> new Layer(layer.norms, in(layer.attention, format), in(layer, format)))
            .toList();
    Linear last = format == WeightFormat.WIDE ? in(output, format) : output;
    return new ModelTensors(embedding, changed, finalNorm, last);
  }

  private static Attention in(Attention own, WeightFormat format) {
    return new Attention(
        in(own.query, format),
        in(own.key, format),
        in(own.value, format),
        in(own.output, format),
        own.queryNorm,
        own.keyNorm,
        own.sinks);
  }

  private static Experts in(Layer layer, WeightFormat format) {
    List<Expert> experts = new ArrayList<>();
    for (Expert own : layer.feedForward.experts) {
      Linear gate = own.gate;
      experts.add(
          new Expert(
              gate == null ? null : in(gate, format), in(own.up, format), in(own.down, format)));
    }
    return new Experts(layer.feedForward.router, List.copyOf(experts));
  }

  private static Linear in(Linear own, WeightFormat format) {
    Tensor matrix =
        format
            .rounded()
            .map(codes -> RoundedMatrix.of(own.matrix, own.in, codes))
            .orElseGet(own.matrix::widened);
    return new Linear(own.out, own.in, matrix, own.bias, own.input);
  }

  /**
   * Returns these tensors with the roundings of inputs, those of routers and experts excepted.
   * Matrices whose input is the same have the same rounding.
   *
   * @param format which inputs are rounded
   * @param weights how matrices are kept
   * @throws IllegalArgumentException if the format is {@link ActivationFormat#FP8} and no matrix of
   *     a layer can have a rounded input
   */
  public ModelTensors rounding(ActivationFormat format, WeightFormat weights) {
    InputRounding inputs = new InputRounding(format, weights);
    if (inputs.none()) {
      return this;
    }
    ModelTensors rounded =
        new ModelTensors(
            embedding,
            layers.stream().map(inputs::layer).toList(),
            finalNorm,
            inputs.output(output));
    if (format == ActivationFormat.FP8 && !rounded.roundsInputs()) {
      throw new IllegalArgumentException(
          "activations is FP8, but no matrix of a dense part has weights in fp8 (e4m3)");
    }
    return rounded;
  }

  /** Returns whether a matrix has a rounded input. */
  public boolean roundsInputs() {
    return output.input != null || layers.stream().anyMatch(ModelTensors::roundsInputs);
  }

  private static boolean roundsInputs(Layer layer) {
    Attention attention = layer.attention;
    Expert part = layer.feedForward.experts.get(0); // those behind a router have none
    return Stream.of(attention.query, attention.output, part.up, part.down)
        .anyMatch(matrix -> matrix.input != null);
  }

  /** Finds the tensors of one model in one source. */
  private static final class Finder {
    private final ModelConfig config;
    private final TensorNames names;
    private final TensorSource source;
    private final Set<String> read = new HashSet<>();

    Finder(ModelConfig config, TensorNames names, TensorSource source) {
      this.config = config;
      this.names = names;
      this.source = source;
    }

    ModelTensors find() {
      int vocabulary = config.vocabularySize();
      int hidden = config.hiddenSize();
      Tensor embedding = tensor(names.embedding() + ".weight", vocabulary, hidden);
      List<Layer> layers = new ArrayList<>();
      for (int i = 0; i < config.layerCount(); i++) {
        layers.add(layer(i, names.layers() + i + "."));
      }
      Linear output = output(embedding);
      return new ModelTensors(
          embedding, List.copyOf(layers), norm(names.finalNorm(), hidden), output);
    }

    private Linear output(Tensor embedding) {
      int vocabulary = config.vocabularySize();
      if (config.tiedOutput()) {
        read.add(names.output() + ".weight");
        return new Linear(vocabulary, config.hiddenSize(), embedding, null);
      }
      String name = names.output() + ".weight";
      if (!source.contains(name)) {
        throw new ModelFormatException(
            "there is no tensor "
                + name
                + ", but tie_word_embeddings is false: is this a model without the head of a"
                + " language model?");
      }
      return linear(
          names.output(), vocabulary, config.hiddenSize(), config.vocabulary().outputBias());
    }

    private Layer layer(int number, String prefix) {
      TensorNames.Norms own = names.norms();
      Norms norms =
          new Norms(
              norm(prefix, own.beforeAttention()),
              norm(prefix, own.afterAttention()),
              norm(prefix, own.beforeFeedForward()),
              norm(prefix, own.afterFeedForward()));
      FeedForward part = config.layers().get(number).feedForward();
      return new Layer(norms, attention(prefix), feedForward(prefix, part));
    }

    private Attention attention(String prefix) {
      ModelConfig.Attention heads = config.attention();
      TensorNames.Attention own = names.attention();
      boolean joined = own.query().equals(own.key());
      int query = config.querySize();
      int kv = config.kvSize();
      int all = query + 2 * kv;
      return new Attention(
          part(prefix + own.query(), "queries", joined, all, 0, query, heads.inputBias()),
          part(prefix + own.key(), "keys", joined, all, query, kv, heads.inputBias()),
          part(prefix + own.value(), "values", joined, all, query + kv, kv, heads.inputBias()),
          linear(prefix + own.output(), config.hiddenSize(), query, heads.outputBias()),
          queryKeyNorm(prefix + own.queryNorm(), query),
          queryKeyNorm(prefix + own.keyNorm(), kv),
          heads.scores().sinks() ? tensor(prefix + own.sinks(), heads.heads()) : null);
    }

    private @Nullable Norm queryKeyNorm(String name, int whole) {
      return switch (config.attention().queryKeyNorm()) {
        case NONE -> null;
        case HEAD -> norm(name, config.headSize());
        case WHOLE -> norm(name, whole);
      };
    }

    private Experts feedForward(String prefix, FeedForward part) {
      TensorNames.FeedForward own = names.feedForward();
      ModelConfig.Experts experts = part.experts();
      if (experts == null) {
        return new Experts(null, List.of(expert(prefix + own.dense(), part)));
      }
      Linear router =
          linear(prefix + own.router(), experts.count(), config.hiddenSize(), experts.routerBias());
      List<Expert> all = new ArrayList<>();
      for (int e = 0; e < experts.count(); e++) {
        all.add(expert(prefix + own.expert().formatted(e), part));
      }
      return new Experts(router, List.copyOf(all));
    }

    private Expert expert(String prefix, FeedForward part) {
      TensorNames.FeedForward own = names.feedForward();
      boolean joined = part.gated() && own.gate().equals(own.up());
      int size = part.size();
      int all = joined ? 2 * size : size;
      Linear gate =
          part.gated()
              ? part(prefix + own.gate(), "gate", joined, all, 0, size, part.bias())
              : null;
      Linear up = part(prefix + own.up(), "up", joined, all, joined ? size : 0, size, part.bias());
      Linear down = linear(prefix + own.down(), config.hiddenSize(), size, part.bias());
      return new Expert(gate, up, down);
    }

    /** Returns some rows of a joined matrix, or a whole one that has them alone. */
    private Linear part(
        String name, String what, boolean joined, int all, int from, int rows, boolean bias) {
      int in = config.hiddenSize();
      if (!joined) {
        return linear(name, rows, in, bias);
      }
      Tensor whole = tensor(name + ".weight", all, in);
      Tensor own = whole.part(what, (long) from * in, (long) rows * in);
      Tensor ownBias = bias ? tensor(name + ".bias", all).part(what, from, rows) : null;
      return new Linear(rows, in, own, ownBias);
    }

    private Linear linear(String name, int out, int in, boolean bias) {
      return new Linear(
          out, in, tensor(name + ".weight", out, in), bias ? tensor(name + ".bias", out) : null);
    }

    private @Nullable Norm norm(String prefix, @Nullable String name) {
      return name == null ? null : norm(prefix + name, config.hiddenSize());
    }

    private Norm norm(String name, int width) {
      NormKind kind = config.norms().kind();
      return new Norm(
          tensor(name + ".weight", width),
          kind == NormKind.LAYER ? tensor(name + ".bias", width) : null,
          kind == NormKind.RMS_ONE_PLUS);
    }

    private Tensor tensor(String name, long... shape) {
      read.add(name);
      return source.tensor(name, shape);
    }

    void refuseUnread() {
      Set<String> unread = new TreeSet<>(source.names());
      unread.removeAll(read);
      unread.removeIf(name -> LEFTOVER.matcher(name).matches());
      if (!unread.isEmpty()) {
        throw new ModelFormatException(
            "model family %s does not read %s: the model's arithmetic must be another"
                .formatted(config.family(), shown(unread)));
      }
    }

    private static String shown(Set<String> unread) {
      String first = String.join(", ", unread.stream().limit(3).toList());
      return unread.size() <= 3
          ? (unread.size() == 1 ? "the tensor " : "the tensors ") + first
          : "the tensors %s and %d more".formatted(first, unread.size() - 3);
    }
  }
}
