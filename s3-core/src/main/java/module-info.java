/** Length prediction, memory planning, scheduling and recovery for text generation. */
module dev.s3llm.core {
  requires jdk.jfr;
  requires org.slf4j;
  requires static transitive org.jspecify;

  exports dev.s3llm;
  exports dev.s3llm.execute;
  exports dev.s3llm.memory;
  exports dev.s3llm.observe;
  exports dev.s3llm.predict;
  exports dev.s3llm.recover;
  exports dev.s3llm.schedule;
  exports dev.s3llm.simulate;
  exports dev.s3llm.stream;
}
