package dev.s3llm.text.internal.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the grammars of a vocabulary keep is bounded, and changes no mask. */
class GrammarVocabularyTest {
  private static final byte[][] TOKENS = tokens();
  private static final long FEW_BYTES = 300_000;

  @Test
  void grammarsTogether_keepNoMoreThanTheBound_andMasksStayTheSame() {
    GrammarVocabulary small = new GrammarVocabulary(TOKENS, FEW_BYTES);
    GrammarVocabulary large = new GrammarVocabulary(TOKENS, 1L << 30);
    long most = 0;
    for (int i = 0; i < 30; i++) {
      int schema = i % 10;
      List<long[]> masks = answer(constraint(small, schema), i);
      assertThat(masks).containsExactlyElementsOf(answer(constraint(large, schema), i));
      assertThat(small.bytes()).isBetween(0L, FEW_BYTES);
      most = Math.max(most, large.bytes());
    }
    assertThat(most).isGreaterThan(3 * FEW_BYTES); // so the bound was reached
  }

  @Test
  void answerUnderWay_goesOn_whileItsGrammarIsDropped() {
    GrammarVocabulary small = new GrammarVocabulary(TOKENS, FEW_BYTES);
    TokenConstraint first = constraint(small, 0);
    List<long[]> before = answer(first, 1);
    for (int i = 1; i < 400; i++) {
      small.constraint(i, SchemaCompiler.compile("{\"const\": " + i + "}"));
    }
    assertThat(small.grammars()).isLessThan(300);
    assertThat(answer(first, 1)).containsExactlyElementsOf(before);
    assertThat(constraint(small, 0)).isNotSameAs(first);
    assertThat(small.bytes()).isBetween(0L, FEW_BYTES);
  }

  @Test
  void droppedGrammar_isReleased() throws InterruptedException {
    GrammarVocabulary small = new GrammarVocabulary(TOKENS, FEW_BYTES);
    WeakReference<TokenConstraint> dropped = new WeakReference<>(constraint(small, 0));
    for (int i = 1; i < 400; i++) {
      small.constraint(i, SchemaCompiler.compile("{\"const\": " + i + "}"));
    }
    for (int i = 0; i < 50 && dropped.get() != null; i++) {
      System.gc();
      Thread.sleep(20);
    }
    assertThat(dropped.get()).isNull();
  }

  private static TokenConstraint constraint(GrammarVocabulary vocabulary, int n) {
    String schema =
        """
        {"type": "object", "required": ["name", "list"], "properties": {
          "name": {"type": "string", "pattern": "^[a-z]{%d,40}$"}, "at": {"format": "date-time"},
          "list": {"items": {"$ref": "#"}, "minItems": 1}}}
        """
            .formatted(n);
    return vocabulary.constraint(schema, SchemaCompiler.compile(schema));
  }

  /** Returns the masks of an answer. */
  private static List<long[]> answer(TokenConstraint constraint, long seed) {
    Random random = new Random(seed);
    List<long[]> masks = new ArrayList<>();
    TokenConstraint.State state = constraint.start();
    for (int left = 60; left > 0 && !state.complete(); left--) {
      long[] mask = state.mask(left);
      masks.add(mask);
      int[] allowed = BitSet.valueOf(mask).stream().toArray();
      state = state.after(allowed[random.nextInt(allowed.length)]);
    }
    return masks;
  }

  private static byte[][] tokens() {
    List<String> texts = new ArrayList<>();
    for (char c = 0; c < 128; c++) {
      texts.add(String.valueOf(c));
    }
    texts.addAll(Arrays.asList("\": ", "\", \"", "name", "\"list\": [", "{\"", "}]", "20", "-0"));
    Random random = new Random(2);
    while (texts.size() < 2000) {
      texts.add(Integer.toString(random.nextInt(1 << 30), 36).replaceAll("\\d", "e"));
    }
    return texts.stream().map(t -> t.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
  }
}
