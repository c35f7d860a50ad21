package dev.s3llm.model.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Translates the rotary embedding of a GGUF file. */
final class GgufRope {
  private final GgufFile file;
  private final GgufArchitecture architecture;
  private final GgufKeys keys;

  GgufRope(GgufFile file, GgufArchitecture architecture, GgufKeys keys) {
    this.file = file;
    this.architecture = architecture;
    this.keys = keys;
  }

  void write(ObjectNode json) {
    json.put("rope_theta", keys.number("rope.freq_base", 10_000));
    if (architecture == GgufArchitecture.GEMMA3) {
      json.put("rope_local_base_freq", keys.number("rope.freq_base_swa", 10_000));
    } else {
      keys.require("rope.freq_base_swa", json.get("rope_theta").asDouble());
    }
    dimensions(json);
    ObjectNode scaling = json.objectNode();
    scaling(json, scaling);
    if (!scaling.isEmpty()) {
      json.set("rope_scaling", scaling);
    }
  }

  private void dimensions(ObjectNode json) {
    int headSize = json.get("head_dim").asInt();
    if (architecture == GgufArchitecture.PHI3) {
      int dimensions = keys.size("rope.dimension_count", headSize);
      json.put("partial_rotary_factor", (double) dimensions / headSize);
    } else {
      keys.require("rope.dimension_count", (double) headSize);
      keys.require("rope.dimension_count_swa", (double) headSize);
    }
  }

  private void scaling(ObjectNode json, ObjectNode scaling) {
    String type = keys.text("rope.scaling.type", "");
    boolean factors = file.contains("rope_factors_long.weight");
    if (factors || type.equals("longrope")) {
      longrope(json, scaling);
    } else if (type.equals("yarn")) {
      yarn(scaling);
    } else if (file.contains("rope_freqs.weight")) {
      scaling.put("rope_type", "factors");
      factors(scaling.putArray("factors"), "rope_freqs.weight");
    } else if (keys.has("rope.scaling.factor") || keys.has("rope.scale_linear")) {
      linear(scaling, type);
    } else if (!type.isEmpty() && !type.equals("none")) {
      throw keys.bad("rope.scaling.type", type, "none, linear, yarn or longrope with its factor");
    }
    keys.has("rope.scaling.original_context_length"); // the model's own without scaling
    keys.require("rope.scaling.yarn_log_multiplier", 0);
    if (!scaling.has("long_factor")) {
      keys.require("rope.scaling.attn_factor", 1);
    }
  }

  private void linear(ObjectNode scaling, String type) {
    double factor = keys.number("rope.scaling.factor", keys.number("rope.scale_linear", 1));
    if (!List.of("", "none", "linear").contains(type)) {
      throw keys.bad("rope.scaling.type", type, "none, linear, yarn or longrope");
    }
    if (factor != 0 && factor != 1 && !type.equals("none")) {
      scaling.put("rope_type", "linear");
      scaling.put("factor", factor);
    }
  }

  private void yarn(ObjectNode scaling) {
    scaling.put("rope_type", "yarn");
    scaling.put("factor", keys.number("rope.scaling.factor", 1));
    scaling.put(
        "original_max_position_embeddings", keys.size("rope.scaling.original_context_length"));
    scaling.put("beta_fast", keys.number("rope.scaling.yarn_beta_fast", 32));
    scaling.put("beta_slow", keys.number("rope.scaling.yarn_beta_slow", 1));
    if (keys.has("rope.scaling.yarn_attn_factor")) {
      scaling.put("attention_factor", keys.number("rope.scaling.yarn_attn_factor", 1));
    }
    keys.require("rope.scaling.yarn_ext_factor", 1);
    if (architecture == GgufArchitecture.GPT_OSS) {
      scaling.put("truncate", false); // said by the model's own configuration, not by its files
    }
  }

  private void longrope(ObjectNode json, ObjectNode scaling) {
    scaling.put("rope_type", "longrope");
    factors(scaling.putArray("long_factor"), "rope_factors_long.weight");
    factors(scaling.putArray("short_factor"), "rope_factors_short.weight");
    json.put("original_max_position_embeddings", keys.size("rope.scaling.original_context_length"));
    if (keys.has("rope.scaling.attn_factor")) {
      scaling.put("attention_factor", keys.number("rope.scaling.attn_factor", 1));
    }
  }

  private void factors(ArrayNode list, String tensor) {
    long[] shape = file.shape(tensor).stream().mapToLong(Long::longValue).toArray();
    for (float factor : file.tensor(tensor, shape).floats()) {
      list.add((double) factor);
    }
  }
}
