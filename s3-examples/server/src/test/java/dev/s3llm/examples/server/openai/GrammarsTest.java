package dev.s3llm.examples.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.constraint.Grammar;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GrammarsTest {
  private final Grammars grammars = new Grammars();

  @Test
  void equalSchemas_shareAGrammar_untilManyOthersCame() {
    Grammar first = grammar("{\"const\":\"x\"}");
    for (int i = 1; i < Grammars.MOST_KEPT; i++) {
      grammar("{\"const\":%d}".formatted(i));
    }
    assertThat(grammar("{\"const\":\"x\"}")).isSameAs(first);

    for (int i = 0; i < Grammars.MOST_KEPT; i++) {
      grammar("{\"const\":%d}".formatted(-1 - i));
    }
    assertThat(grammar("{\"const\":\"x\"}")).isNotSameAs(first).isEqualTo(first);
  }

  @Test
  void longSchema_isNotKept() {
    String schema = "{\"const\":\"x\"%s}".formatted(" ".repeat(Grammars.LONGEST_KEPT));
    assertThat(grammar(schema)).isNotSameAs(grammar(schema));
  }

  private Grammar grammar(String schema) {
    return grammars
        .of(new ResponseFormat("response_format", "test", Optional.of(schema)))
        .orElseThrow();
  }
}
