package dev.s3llm.text.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.constraint.Draws.Taste;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Compiles the {@code .gbnf} files of a folder, such as {@code grammars} of llama.cpp, and draws
 * answers from each, which the grammar then reads again. Run as a program; the argument is the
 * folder.
 */
final class GrammarFiles {
  private static final int ANSWERS = 60;
  private static final int LIMIT = 120;

  private GrammarFiles() {}

  public static void main(String[] arguments) throws IOException {
    List<byte[]> tokens = Vocabularies.ofSize(2000);
    TokenVocabulary vocabulary = TokenVocabulary.of(tokens);
    try (Stream<Path> files = Files.walk(Path.of(arguments[0]))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".gbnf")).sorted().toList()) {
        System.out.println(
            file.getFileName() + ": " + check(Files.readString(file), tokens, vocabulary));
      }
    }
  }

  private static String check(String text, List<byte[]> tokens, TokenVocabulary vocabulary) {
    TokenConstraint constraint;
    try {
      constraint = Constraints.gbnf(text).compile(vocabulary);
    } catch (IllegalArgumentException e) {
      return "refused: " + e.getMessage();
    }
    int finished = 0;
    int read = 0;
    for (int i = 0; i < ANSWERS; i++) {
      Optional<String> answer =
          new Draws(tokens, i).draw(constraint, LIMIT, Taste.values()[i % Taste.values().length]);
      finished += answer.isPresent() ? 1 : 0;
      read += answer.isPresent() && Reads.keeps(constraint, tokens, answer.get()) ? 1 : 0;
    }
    return "%d of %d answers finished, %d read again".formatted(finished, ANSWERS, read);
  }
}
