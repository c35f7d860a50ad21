/** The small model and its length model, as resources, and the class that unpacks them. */
module dev.s3llm.examples.model {
  requires static transitive org.jspecify;

  exports dev.s3llm.examples.model;
}
