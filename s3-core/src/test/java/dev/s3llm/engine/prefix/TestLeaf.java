package dev.s3llm.engine.prefix;

/** A leaf of a test, which keeps what an order stores. */
class TestLeaf implements KeptLeaf {
  private final long key;
  private final int depthTokens;
  private long mark;
  PrefixUse use;

  TestLeaf(long key, int depthTokens, PrefixUse use) {
    this.key = key;
    this.depthTokens = depthTokens;
    this.use = use;
  }

  @Override
  public PrefixUse use() {
    return use;
  }

  @Override
  public int depthTokens() {
    return depthTokens;
  }

  @Override
  public long key() {
    return key;
  }

  @Override
  public long mark() {
    return mark;
  }

  @Override
  public void mark(long value) {
    mark = value;
  }
}
