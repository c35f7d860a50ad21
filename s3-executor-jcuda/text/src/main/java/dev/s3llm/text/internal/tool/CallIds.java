package dev.s3llm.text.internal.tool;

import java.util.UUID;
import java.util.function.Supplier;

/** Creates ids of calls, by chance: letters and digits. Thread-safe. */
final class CallIds implements Supplier<String> {
  private static final String SIGNS =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  private final String prefix;
  private final int length;

  private CallIds(String prefix, int length) {
    this.prefix = prefix;
    this.length = length;
  }

  /** Returns ids of 9 characters, as Mistral's templates require. */
  static CallIds ofNine() {
    return new CallIds("", 9);
  }

  /** Returns ids as in the OpenAI protocol: {@code call_} and 20 characters. */
  static CallIds ofCalls() {
    return new CallIds("call_", 20);
  }

  @Override
  public String get() {
    StringBuilder id = new StringBuilder(prefix);
    UUID random = UUID.randomUUID();
    long bits =
        random.getMostSignificantBits() ^ Long.rotateLeft(random.getLeastSignificantBits(), 32);
    for (int i = 0; i < length; i++) {
      if (i == 9) {
        bits = random.getLeastSignificantBits();
      }
      id.append(SIGNS.charAt((int) Long.remainderUnsigned(bits, SIGNS.length())));
      bits = Long.divideUnsigned(bits, SIGNS.length());
    }
    return id.toString();
  }
}
