package dev.s3llm.model.quant;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFiles;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of a folder with a {@code quantization_config}, as if it had none: every quantised
 * module has its {@code weight} in single precision, decoded as it is read, and the experts of
 * gpt-oss are apart and in their blocks. Modules that were left out of the quantisation are as
 * stored. What the configuration says of the activations is in {@link dev.s3llm.model.Codes#input}.
 */
public final class QuantizedTensors implements TensorSource {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  private final WeightFiles files;
  private final Map<String, Scheme> modules = new HashMap<>();
  private final Map<String, Mxfp4Experts> stacks = new HashMap<>();
  private final Map<String, ExpertPart> experts = new HashMap<>();
  private final Set<String> present;
  private final Set<String> names;

  /** Where an expert's matrix is: every {@code step}th row of a stack from {@code first} on. */
  private record ExpertPart(String stack, int expert, int first, int step) {}

  private QuantizedTensors(WeightFiles files, List<Scheme> schemes) {
    this.files = files;
    Set<String> left = new LinkedHashSet<>(files.names());
    if (schemes.isEmpty()) {
      findExperts(left);
    }
    for (Scheme scheme : schemes) {
      find(scheme, left);
    }
    modules.keySet().forEach(module -> left.add(module + WEIGHT));
    left.addAll(experts.keySet());
    this.present = Set.copyOf(left);
    left.removeIf(this::isZeroBias);
    this.names = Collections.unmodifiableSet(left);
  }

  /** GPTQ's tools give every module a bias, zero where the model has none. */
  private boolean isZeroBias(String name) {
    if (!name.endsWith(BIAS)
        || !modules.containsKey(name.substring(0, name.length() - BIAS.length()))) {
      return false;
    }
    ByteBuffer bytes = files.raw(name).all();
    int at = 0;
    while (at < bytes.capacity() && bytes.get(at) == 0) {
      at++;
    }
    return at == bytes.capacity();
  }

  /**
   * Refuses a configuration with a way of quantisation that is not supported.
   *
   * @param source name of the configuration, for messages
   * @param config the folder's {@code config.json}
   * @throws ModelFormatException naming the way and what is supported
   */
  public static void requireSupported(String source, JsonNode config) {
    JsonNode quantization = quantization(config);
    if (quantization.isObject()) {
      List<Scheme> unused = QuantConfig.read(source, quantization);
    }
  }

  private static JsonNode quantization(JsonNode config) {
    JsonNode own = config.path("quantization_config");
    return own.isObject() ? own : config.path("text_config").path("quantization_config");
  }

  /**
   * Returns the tensors of a folder, decoded where they are quantised.
   *
   * @param files the folder's weights
   * @param source name of the configuration, for messages
   * @param config the folder's {@code config.json}
   * @return the weights themselves if the configuration has no {@code quantization_config}
   * @throws ModelFormatException if the way of quantisation is not supported; names it and what is
   */
  public static TensorSource of(WeightFiles files, String source, JsonNode config) {
    JsonNode quantization = quantization(config);
    return quantization.isObject()
        ? new QuantizedTensors(files, QuantConfig.read(source, quantization))
        : files;
  }

  private void find(Scheme scheme, Set<String> left) {
    for (String name : files.names()) {
      if (name.endsWith(scheme.mark())) {
        String module = name.substring(0, name.length() - scheme.mark().length());
        if (scheme.quantised(new Parts(files, module))) {
          modules.put(module, scheme);
          left.remove(name);
          scheme.parts().forEach(part -> left.remove(module + part));
        }
      }
    }
    left.removeIf(name -> scheme.unused().stream().anyMatch(name::endsWith));
  }

  private void findExperts(Set<String> left) {
    for (String name : files.names()) {
      if (name.endsWith(Mxfp4Experts.BLOCKS)) {
        String stack = name.substring(0, name.length() - Mxfp4Experts.BLOCKS.length());
        Mxfp4Experts all =
            new Mxfp4Experts(files.raw(name), files.raw(stack + Mxfp4Experts.SCALES));
        stacks.put(stack, all);
        left.removeAll(Set.of(name, stack + Mxfp4Experts.SCALES));
        for (int i = 0; i < all.experts(); i++) {
          addExpert(stack, i);
        }
      }
    }
  }

  private void addExpert(String stack, int expert) {
    int dot = stack.lastIndexOf('.') + 1;
    String prefix = stack.substring(0, dot) + expert + ".";
    switch (stack.substring(dot)) {
      case "gate_up_proj" -> {
        experts.put(prefix + "gate_proj.weight", new ExpertPart(stack, expert, 0, 2));
        experts.put(prefix + "up_proj.weight", new ExpertPart(stack, expert, 1, 2));
      }
      case "down_proj" ->
          experts.put(prefix + "down_proj.weight", new ExpertPart(stack, expert, 0, 1));
      default ->
          throw new ModelFormatException(
              "%s has MXFP4 blocks of %s, supported are gate_up_proj and down_proj of experts"
                  .formatted(files.folder(), stack));
    }
  }

  @Override
  public boolean contains(String name) {
    return present.contains(name);
  }

  @Override
  public Set<String> names() {
    return names;
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    ExpertPart part = experts.get(name);
    if (part != null) {
      Mxfp4Experts all = stacks.get(part.stack);
      if (all == null) {
        throw new IllegalStateException(part.stack);
      }
      return all.matrix(part.expert, part.first, part.step, shape);
    }
    String module =
        name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : name;
    Scheme scheme = modules.get(module);
    return scheme == null ? files.tensor(name, shape) : decoded(scheme, module, shape);
  }

  private Tensor decoded(Scheme scheme, String module, long... shape) {
    Matrix matrix = scheme.matrix(new Parts(files, module));
    String label = files.folder() + ": tensor " + module + WEIGHT;
    if (!Arrays.equals(shape, new long[] {matrix.rows(), matrix.width()})) {
      throw new ModelFormatException(
          "%s has shape [%d, %d], but the configuration needs %s"
              .formatted(label, matrix.rows(), matrix.width(), Arrays.toString(shape)));
    }
    return matrix.tensor(label);
  }

  @Override
  public void close() {
    files.close();
  }
}
