package dev.s3llm.text.internal.jinja;

import java.math.BigInteger;

/** An integer of any size up to {@value #MAX_BITS} bits. */
record Int(BigInteger value) implements Value {
  static final int MAX_BITS = 4096;

  Int {
    if (value.bitLength() > MAX_BITS) {
      throw JinjaException.limit("the template computes an integer that is too large");
    }
  }

  static Int of(long value) {
    return new Int(BigInteger.valueOf(value));
  }

  /** Returns the value, moved into the range of an int: enough for indices and counts. */
  int clamped() {
    return value.bitLength() < Integer.SIZE
        ? value.intValue()
        : value.signum() < 0 ? Integer.MIN_VALUE : Integer.MAX_VALUE;
  }

  @Override
  public String typeName() {
    return "int";
  }

  @Override
  public boolean isTrue() {
    return value.signum() != 0;
  }
}
