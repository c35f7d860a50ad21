package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.TextModel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class PredictLengthsTest {
  private static final StructType INPUT =
      new StructType()
          .add(Columns.PROMPT, DataTypes.StringType)
          .add(Columns.MAX_NEW_TOKENS, DataTypes.IntegerType)
          .add(Columns.ERROR, DataTypes.StringType);

  @Test
  void promptThatTheTemplateRefuses_isItsRowsError_andTheOthersAreSized() {
    ChatTemplate picky =
        ChatTemplate.jinja(
            "{{ raise_exception('too bad') if messages[0].content == 'bad' else 'good' }}", "", "");
    TextModel model = TextModel.load(SmallModel.unpack(), picky);
    List<Row> sized = new ArrayList<>();
    try (PromptSizer sizer = PromptSizer.open(true, model, EmpiricalLengthPredictor::new)) {
      sized(sizer, "good", "bad", "good").forEachRemaining(sized::add);
    }

    assertThat(sized.stream().map(row -> row.<String>getAs(2)).toList())
        .containsExactly(null, "refused: too bad", null);
    assertThat(sized.get(2).getInt(3)).isPositive();
  }

  @Test
  void closedSizer_failsTheTaskAndNotTheRows() {
    PromptSizer sizer =
        PromptSizer.open(false, TextModel.load(SmallModel.unpack()), EmpiricalLengthPredictor::new);
    sizer.close();

    assertThatThrownBy(sized(sizer, "Hello")::next).hasMessage("the tokenizer is closed");
  }

  @Test
  void predictorThatThrows_failsTheTaskAndNotTheRows() {
    LengthPredictor broken =
        query -> {
          throw new IllegalStateException("no prediction");
        };
    try (PromptSizer sizer =
        PromptSizer.open(false, TextModel.load(SmallModel.unpack()), () -> broken)) {
      assertThatThrownBy(sized(sizer, "Hello")::next).hasMessage("no prediction");
    }
  }

  private static PredictLengths.SizedRows sized(PromptSizer sizer, String... prompts) {
    Stream<Row> rows =
        Stream.of(prompts)
            .map(prompt -> new GenericRowWithSchema(new Object[] {prompt, null, null}, INPUT));
    return new PredictLengths.SizedRows(rows.iterator(), sizer, 16);
  }
}
