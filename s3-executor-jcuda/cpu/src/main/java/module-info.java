/** An executor that runs decoders on the CPU, in plain Java. */
module dev.s3llm.cpu {
  requires transitive dev.s3llm.core;
  requires transitive dev.s3llm.model;
  requires org.slf4j;
  requires static transitive org.jspecify;

  exports dev.s3llm.cpu;
}
