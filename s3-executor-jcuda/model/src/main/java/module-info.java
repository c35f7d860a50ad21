/** Model folders: configurations, weights, model families. */
@SuppressWarnings("module") // dev.s3llm.text is built after this module
module dev.s3llm.model {
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.databind;
  requires transitive dev.s3llm.core;
  requires static transitive org.jspecify;

  exports dev.s3llm.model;
  exports dev.s3llm.model.speech;
  exports dev.s3llm.model.gguf to
      dev.s3llm.text;
  exports dev.s3llm.model.json to
      dev.s3llm.text;
}
