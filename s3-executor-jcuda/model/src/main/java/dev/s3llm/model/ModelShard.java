package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Vocabulary;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Experts;
import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.ModelTensors.Norm;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One of the equal parts of a model that several devices run together (tensor parallelism, Shoeybi
 * et al. 2019). Each part is a decoder of its own, with some of the heads, some of each
 * feed-forward part's inner width and some rows of the vocabulary; the residual stream, the norms
 * and the routers of experts are whole in every part.
 *
 * <ul>
 *   <li>Queries, keys, values, gate and up are cut by rows, with their biases. Fewer key heads than
 *       parts are repeated: neighbours have the same one.
 *   <li>The attention's output and down are cut by columns: <b>their results are to be added over
 *       all parts</b>, before the norm that follows, if there is one. The bias belongs to the first
 *       part. Blocks of quantised rows are never cut; a group of {@link Codes} may become smaller
 *       ones.
 *   <li>Norms of queries and keys over all heads have the scales of the part's heads. <b>Their mean
 *       square is that of all parts</b>: the sums of squares are to be added, and repeated key
 *       heads count as often as they are there.
 *   <li>Embedding and output are cut by rows: the part with {@link #firstToken} {@code <= t <
 *       firstToken + config.vocabularySize()} has the embedding and the logit of token {@code t}.
 * </ul>
 *
 * @param model configuration of the whole model
 * @param config configuration of this part, with its heads, widths and vocabulary; token ids that
 *     end an answer are those of the model
 * @param rank number of the part, in {@code [0, count)}
 * @param count number of parts
 * @param firstToken token of the first row of the part's embedding and output
 */
public record ModelShard(
    ModelConfig model, ModelConfig config, int rank, int count, int firstToken) {
  /** Rows of the vocabulary that are not parted, where there are enough. */
  private static final int TOKENS = 128;

  /**
   * Cuts a model.
   *
   * @param model configuration of the model
   * @param count number of parts, at least 1
   * @return the parts by rank; of one part, the configuration is that of the model
   * @throws IllegalArgumentException if the number does not divide the model; the message names the
   *     field of {@code config.json}
   */
  public static List<ModelShard> of(ModelConfig model, int count) {
    requireDivides(model, count);
    List<ModelShard> shards = new ArrayList<>();
    for (int rank = 0; rank < count; rank++) {
      int first = firstToken(model, rank, count);
      int tokens = firstToken(model, rank + 1, count) - first;
      ModelConfig own = count == 1 ? model : part(model, rank, count, tokens);
      shards.add(new ModelShard(model, own, rank, count, first));
    }
    return List.copyOf(shards);
  }

  private static void requireDivides(ModelConfig model, int count) {
    if (count < 1) {
      throw new IllegalArgumentException("the number of parts must be at least 1, but is " + count);
    }
    requireMultiple("num_attention_heads", model.heads(), count);
    if (count % model.kvHeads() != 0) { // else each part has one, and some parts have the same
      requireMultiple("num_key_value_heads", model.kvHeads(), count);
    }
    for (ModelConfig.Layer layer : model.layers()) {
      FeedForward part = layer.feedForward();
      requireMultiple(
          part.experts() == null ? "intermediate_size" : "the experts' intermediate_size",
          part.size(),
          count);
    }
    if (model.vocabularySize() < count) {
      throw new IllegalArgumentException(
          "vocab_size is %d, which is too few for %d parts"
              .formatted(model.vocabularySize(), count));
    }
  }

  private static void requireMultiple(String field, int value, int count) {
    if (value % count != 0) {
      throw new IllegalArgumentException(
          "%s is %d, which cannot be cut into %d equal parts".formatted(field, value, count));
    }
  }

  /** Parts begin at multiples of {@link #TOKENS}, and the last has what is left. */
  private static int firstToken(ModelConfig model, int rank, int count) {
    int all = model.vocabularySize();
    if (rank == count) {
      return all;
    }
    int each = all / count;
    return rank * (each < TOKENS ? each : each / TOKENS * TOKENS);
  }

  private static ModelConfig part(ModelConfig model, int rank, int count, int tokens) {
    Vocabulary all = model.vocabulary();
    return new ModelConfig(
        model.family(),
        new Vocabulary(tokens, all.tiedOutput(), all.outputBias(), all.stopTokens()),
        model.hiddenSize(),
        model.maxContextTokens(),
        model.norms(),
        part(model.attention(), rank, count),
        model.scales(),
        model.layers().stream().map(layer -> part(layer, count)).toList());
  }

  private static Attention part(Attention all, int rank, int count) {
    return new Attention(
        all.heads() / count,
        Math.max(1, all.kvHeads() / count),
        all.headSize(),
        all.scores(),
        all.queryKeyNorm(),
        all.inputBias(),
        all.outputBias() && rank == 0);
  }

  private static ModelConfig.Layer part(ModelConfig.Layer layer, int count) {
    FeedForward all = layer.feedForward();
    return new ModelConfig.Layer(
        layer.rope(),
        layer.window(),
        new FeedForward(
            all.activation(), all.gated(), all.size() / count, all.bias(), all.experts()));
  }

  /** Returns the number of the model's query head that is the first of this part. */
  public int firstHead() {
    return rank * config.heads();
  }

  /** Returns the number of the model's key and value head that is the first of this part. */
  public int firstKvHead() {
    return (int) ((long) rank * model.kvHeads() / count);
  }

  /**
   * Returns the tensors of this part: views of the model's, read by their slices.
   *
   * @param whole tensors of the model
   * @throws ModelFormatException if a block of a quantised row would be cut; names the tensor
   */
  public ModelTensors tensors(ModelTensors whole) {
    if (count == 1) {
      return whole;
    }
    int hidden = model.hiddenSize();
    Tensor embedding = vocabularyRows(whole.embedding(), hidden);
    Linear output = whole.output();
    Tensor bias = output.bias();
    Linear ownOutput =
        new Linear(
            config.vocabularySize(),
            hidden,
            model.tiedOutput() ? embedding : vocabularyRows(output.matrix(), hidden),
            bias == null ? null : vocabularyRows(bias, 1),
            output.input());
    List<ModelTensors.Layer> layers = new ArrayList<>();
    for (int i = 0; i < whole.layers().size(); i++) {
      ModelTensors.Layer layer = whole.layers().get(i);
      int size = config.layers().get(i).feedForward().size();
      layers.add(
          new ModelTensors.Layer(
              layer.norms(), attention(layer.attention()), experts(layer.feedForward(), size)));
    }
    return new ModelTensors(embedding, List.copyOf(layers), whole.finalNorm(), ownOutput);
  }

  private Tensor vocabularyRows(Tensor all, int width) {
    return all.part(name(), (long) firstToken * width, (long) config.vocabularySize() * width);
  }

  private ModelTensors.Attention attention(ModelTensors.Attention all) {
    int size = config.headSize();
    int query = firstHead() * size;
    int kv = firstKvHead() * size;
    Tensor sinks = all.sinks();
    return new ModelTensors.Attention(
        rows(all.query(), query, config.querySize()),
        rows(all.key(), kv, config.kvSize()),
        rows(all.value(), kv, config.kvSize()),
        columns(all.output(), query, config.querySize()),
        headNorm(all.queryNorm(), query, config.querySize()),
        headNorm(all.keyNorm(), kv, config.kvSize()),
        sinks == null ? null : sinks.part(name(), firstHead(), config.heads()));
  }

  /** A norm over all heads has scales of their own for the heads of each part. */
  private @Nullable Norm headNorm(@Nullable Norm all, int first, int size) {
    return all == null || model.attention().queryKeyNorm() != QueryKeyNorm.WHOLE
        ? all
        : new Norm(all.weight().part(name(), first, size), null, all.onePlus());
  }

  private Experts experts(Experts all, int size) {
    List<Expert> own = new ArrayList<>();
    for (Expert expert : all.experts()) {
      Linear gate = expert.gate();
      own.add(
          new Expert(
              gate == null ? null : rows(gate, rank * size, size),
              rows(expert.up(), rank * size, size),
              columns(expert.down(), rank * size, size)));
    }
    return new Experts(all.router(), List.copyOf(own));
  }

  private Linear rows(Linear all, int first, int rows) {
    Tensor bias = all.bias();
    return new Linear(
        rows,
        all.in(),
        all.matrix().part(name(), (long) first * all.in(), (long) rows * all.in()),
        bias == null ? null : bias.part(name(), first, rows),
        all.input());
  }

  private Linear columns(Linear all, int first, int columns) {
    return new Linear(
        all.out(),
        columns,
        all.matrix().columns(name(), all.in(), first, first + columns),
        rank == 0 ? all.bias() : null,
        all.input());
  }

  private String name() {
    return "part %d of %d".formatted(rank + 1, count);
  }
}
