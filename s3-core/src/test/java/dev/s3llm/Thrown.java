package dev.s3llm;

/** Kinds of throwables that foreign code may throw. */
enum Thrown {
  EXCEPTION,
  OUT_OF_MEMORY,
  STACK_OVERFLOW,
  ASSERTION,
  /** A checked exception thrown without a declaration, as in Kotlin. */
  CHECKED;

  void throwIt() {
    switch (this) {
      case EXCEPTION -> throw new IllegalStateException("planted");
      case OUT_OF_MEMORY -> throw new OutOfMemoryError("planted");
      case ASSERTION -> throw new AssertionError("planted");
      case STACK_OVERFLOW -> overflow(1);
      case CHECKED -> Thrown.<RuntimeException>undeclared(new java.io.IOException("planted"));
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // erased: that is the point
  private static <E extends Throwable> void undeclared(Throwable thrown) throws E {
    throw (E) thrown;
  }

  @SuppressWarnings("InfiniteRecursion") // that is the point
  private static int overflow(int depth) {
    return overflow(depth + 1) + 1;
  }
}
