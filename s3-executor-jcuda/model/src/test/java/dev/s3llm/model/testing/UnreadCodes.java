package dev.s3llm.model.testing;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Codes that say how they are stored and cannot be read, for tests that only ask.
 *
 * @param order see {@link Codes#order}
 * @param input see {@link Codes#input}
 */
public record UnreadCodes(Format format, Optional<int[]> order, Optional<RoundedInput> input)
    implements Codes {

  /** Returns a tensor of these codes. */
  public Tensor tensor(int elements) {
    Codes codes = this;
    Tensor.Slices slices =
        new Tensor.Slices() {
          @Override
          public ByteBuffer read(long first, int count) {
            throw new UnsupportedOperationException();
          }

          @Override
          public Optional<Codes> codes() {
            return Optional.of(codes);
          }
        };
    return new Tensor("coded", ElementType.F32, elements, slices);
  }

  @Override
  public void read(long first, int count, byte[] codes, float[] scales, float[] seconds) {
    throw new UnsupportedOperationException();
  }
}
