package dev.s3llm.mutant;

/**
 * A bug to plant in main code, and the check that must detect it.
 *
 * @param name unique name
 * @param file path of a source file of main code, below the root package
 * @param old the text to replace; occurs once in the file
 * @param replacement the text that replaces it
 * @param checker the scenario checker that must detect the bug, or the test that must: the name of
 *     its class below the root package, with {@code #} and the name of a method if one is enough
 * @param seed the seed to try first; others are tried after it
 */
record Mutant(String name, String file, String old, String replacement, String checker, long seed) {
  @Override
  public String toString() {
    return name;
  }
}
