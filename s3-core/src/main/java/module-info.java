/** Length prediction, planning and the serving engine. */
module dev.s3llm.core {
  requires com.google.common;
  requires org.slf4j;
  requires static transitive org.jspecify;
}
