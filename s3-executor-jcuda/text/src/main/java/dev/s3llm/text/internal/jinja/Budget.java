package dev.s3llm.text.internal.jinja;

/**
 * The work and memory that one rendering has used so far. Each operation is counted before it is
 * done, each text and list before it is made. Not thread-safe.
 */
final class Budget {
  /** The weight of a list's item or a mapping's entry, in characters. */
  private static final int ITEM_CHARS = 20;

  /** The clock is read once for so many steps, a power of two. */
  private static final int STEPS_PER_CHECK = 1024;

  /** Nested evaluations; a frame of the thread's stack is about 100 bytes, and each takes a few. */
  private static final int MAX_EVALUATIONS = 1000;

  private final RenderLimits limits;
  private final long start = System.nanoTime();
  private final long maxNanos;
  private long steps;
  private long chars;
  private int evaluations;
  private int calls;

  Budget(RenderLimits limits) {
    this.limits = limits;
    this.maxNanos = limits.maxTime().toNanos();
  }

  /** Counts one operation. */
  void step() {
    if (++steps > limits.maxSteps()) {
      throw JinjaException.limit("the template does too much work");
    }
    if ((steps & (STEPS_PER_CHECK - 1)) == 0) {
      checkTime();
    }
  }

  /** Counts characters that are about to be added to a text of so many. */
  void text(long before, long added) {
    if (before + added > limits.maxTextChars()) {
      throw JinjaException.limit(
          "the template makes a text of more than %d characters".formatted(limits.maxTextChars()));
    }
    use(added);
  }

  /** Counts the items of a list or mapping that is about to be made. */
  void items(long count) {
    if (count > limits.maxItems()) {
      throw JinjaException.limit(
          "the template makes a list of more than %d items".formatted(limits.maxItems()));
    }
    use(count * ITEM_CHARS);
  }

  /** Counts one more item of a list that has so many, and whose length is not known before. */
  void item(int size) {
    if (size >= limits.maxItems()) {
      items(size + 1L);
    }
    use(ITEM_CHARS);
  }

  private void use(long weight) {
    chars += weight;
    if (chars > limits.maxTotalChars()) {
      throw JinjaException.limit("the template takes too much memory");
    }
    if (weight > STEPS_PER_CHECK) {
      checkTime();
    }
  }

  private void checkTime() {
    if (System.nanoTime() - start > maxNanos) {
      throw JinjaException.limit("the template takes more than " + limits.maxTime());
    }
  }

  void enter() {
    if (++evaluations > MAX_EVALUATIONS) {
      throw JinjaException.limit("the template nests its expressions and calls too deeply");
    }
  }

  void leave() {
    evaluations--;
  }

  /** Counts a call of a macro or recursive loop, until {@link #leaveCall}. */
  void enterCall() {
    if (++calls > limits.maxDepth()) {
      throw JinjaException.limit(
          "the template nests more than %d calls".formatted(limits.maxDepth()));
    }
  }

  void leaveCall() {
    calls--;
  }

  /** Counts a visit of a value that lies inside so many others. */
  void visit(int depth) {
    step();
    if (depth > limits.maxDepth()) {
      throw JinjaException.limit(
          "the template nests more than %d values in each other".formatted(limits.maxDepth()));
    }
  }
}
