package dev.s3llm.text.internal.tokenizer;

/** Word characters as Unicode's recommendation for regular expressions has them (UTS 18). */
final class Words {
  private Words() {}

  static boolean isWord(int c) {
    int type = Character.getType(c);
    return Character.isAlphabetic(c)
        || type == Character.NON_SPACING_MARK
        || type == Character.ENCLOSING_MARK
        || type == Character.COMBINING_SPACING_MARK
        || type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.CONNECTOR_PUNCTUATION;
  }
}
