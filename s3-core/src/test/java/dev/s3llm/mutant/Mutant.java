package dev.s3llm.mutant;

/**
 * A bug to plant in main code, and what must see it.
 *
 * @param file of main code, below the root package
 * @param old the text that is replaced, which stands there once
 * @param checker the scenarios' checker that must see it, or the simple name of a test class
 * @param seed the one that shows it, as far as is known; others are tried after it
 */
record Mutant(String name, String file, String old, String replacement, String checker, long seed) {
  @Override
  public String toString() {
    return name;
  }
}
