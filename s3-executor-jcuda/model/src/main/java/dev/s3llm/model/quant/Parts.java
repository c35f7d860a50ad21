package dev.s3llm.model.quant;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RawTensor;
import dev.s3llm.model.WeightFiles;

/** The tensors of one quantised module. */
record Parts(WeightFiles files, String module) {

  boolean has(String part) {
    return files.contains(module + part);
  }

  RawTensor raw(String part) {
    if (!has(part)) {
      throw new ModelFormatException(
          "%s has no tensor %s%s, which the quantised matrix needs"
              .formatted(files.folder(), module, part));
    }
    return files.raw(module + part);
  }

  Numbers numbers(String part) {
    return new Numbers(raw(part));
  }

  /** Returns a dimension of a part that has as many of them. */
  int size(String part, int dimensions, int dimension) {
    RawTensor raw = raw(part);
    if (raw.shape().size() != dimensions) {
      throw new ModelFormatException(
          "%s has shape %s, but must have %d dimensions"
              .formatted(raw.label(), raw.shape(), dimensions));
    }
    return Numbers.size(raw, raw.shape().get(dimension));
  }
}
