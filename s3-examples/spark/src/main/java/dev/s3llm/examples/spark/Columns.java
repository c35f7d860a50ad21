package dev.s3llm.examples.spark;

import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The columns of the input, of the output and of the passes between them. */
final class Columns {
  static final String ID = "id";
  static final String PROMPT = "prompt";
  static final String MAX_NEW_TOKENS = "max_new_tokens";

  /** 1 for the first row with an id, in the order of the input; 2 and more for its duplicates. */
  static final String COPY = "copy";

  static final String TEXT = "text";
  static final String PROMPT_TOKENS = "prompt_tokens";
  static final String OUTPUT_TOKENS = "output_tokens";
  static final String PREDICTED_TOKENS = "predicted_tokens";
  static final String FINISH_REASON = "finish_reason";

  /** The reason why a row has no answer. */
  static final String ERROR = "error";

  /** The attempt of the row's task, from 1. */
  static final String ATTEMPT = "attempt";

  /** The position of a row in the input. */
  static final String POSITION = "position";

  /** The tokens of the prompt and of the predicted answer together. */
  static final String WORK = "work";

  /** A line that is no JSON object with the columns. */
  static final String CORRUPT = "_corrupt";

  /** The columns to read. Limits are text, so that one that is no number can be refused. */
  static final StructType INPUT =
      new StructType()
          .add(ID, DataTypes.StringType)
          .add(PROMPT, DataTypes.StringType)
          .add(MAX_NEW_TOKENS, DataTypes.StringType)
          .add(CORRUPT, DataTypes.StringType);

  /** The columns to write. */
  static final StructType OUTPUT =
      new StructType()
          .add(ID, DataTypes.StringType)
          .add(COPY, DataTypes.IntegerType)
          .add(PROMPT, DataTypes.StringType)
          .add(TEXT, DataTypes.StringType)
          .add(PROMPT_TOKENS, DataTypes.IntegerType)
          .add(OUTPUT_TOKENS, DataTypes.IntegerType)
          .add(PREDICTED_TOKENS, DataTypes.IntegerType)
          .add(FINISH_REASON, DataTypes.StringType)
          .add(ERROR, DataTypes.StringType)
          .add(ATTEMPT, DataTypes.IntegerType);

  private Columns() {}
}
