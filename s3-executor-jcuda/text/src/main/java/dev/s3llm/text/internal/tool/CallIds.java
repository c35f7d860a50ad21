package dev.s3llm.text.internal.tool;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.function.Supplier;

/** Creates ids of calls, by chance: letters and digits. Thread-safe. */
public final class CallIds implements Supplier<String> {
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

  /** Returns an id of 9 letters and digits: the id itself if it is one, or one made of it. */
  public static String shortened(String id) {
    if (id.length() == 9 && id.chars().allMatch(c -> SIGNS.indexOf(c) >= 0)) {
      return id;
    }
    UUID hash = UUID.nameUUIDFromBytes(id.getBytes(StandardCharsets.UTF_8));
    return new CallIds("", 9).of(hash);
  }

  @Override
  public String get() {
    return of(UUID.randomUUID());
  }

  private String of(UUID random) {
    StringBuilder id = new StringBuilder(prefix);
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
