-- One call, as its page shows it.
SELECT call_id::text, file_name, source_uri, audio_sha256, source_size_bytes, source_modified_at, etag, started_at,
       duration_s, channels, sample_rate_hz, container, codec, direction, agent_id, customer_segment, queue,
       related_call, extension, metadata, language, flags, status, error_type, error_message, error_stage,
       error_transient, sentiment_trends, mood_turned_by, mood_turned_at_s, mood_turned_to,
       mood_turned_line, topic, subtopic, topic_confidence, second_topic, second_subtopic, second_topic_confidence,
       topic_evidence, topic_catalogue, summary, summary_details, summary_evidence, summary_check, action_items, attention_weight,
       customer, caller, agent_talk_s, client_talk_s,
       agent_talk_share, client_talk_share, silence_s, silence_share, longest_silence_s, overtalk_s,
       agent_interruptions, client_interruptions, turns, agent_words_per_minute, client_words_per_minute,
       agent_longest_turn_s, client_longest_turn_s, first_response_s, missing_reasons, asr_engine, asr_model,
       asr_revision, asr_demonstration, asr_passed_over, llm_provider, llm_model, transcript_fingerprint,
       run_id::text, processed_at,
       jsonb_build_object(
           'agent', jsonb_build_object('fusion', agent_fusion_probabilities, 'text', agent_text_probabilities,
                                       'acoustic', agent_acoustic_probabilities),
           'client', jsonb_build_object('fusion', client_fusion_probabilities, 'text', client_text_probabilities,
                                        'acoustic', client_acoustic_probabilities),
           'unknown', jsonb_build_object('fusion', unknown_fusion_probabilities, 'text', unknown_text_probabilities,
                                         'acoustic', unknown_acoustic_probabilities)) AS moods
FROM chosen
