// The metrics of a broker of Apache Kafka 4.3, read from a running one, under the names that the usual exporter gives them.
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::broker::test {

/// All metrics whose name begins with the first, and how each goes on.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 30> kafka_metrics{{
    {"kafka_server_brokertopicmetrics_",
     "messagesin_total bytesin_total bytesout_total bytesrejected_total totalproducerequests_total totalfetchrequests_total "
     "failedproducerequests_total failedfetchrequests_total replicationbytesin_total replicationbytesout_total "
     "producemessageconversions_total fetchmessageconversions_total nokeycompactedtopicrecords_total "
     "invalidmessagecrcrecords_total invalidoffsetorsequencerecords_total"},
    {"kafka_server_replicamanager_",
     "underreplicatedpartitions underminisrpartitioncount atminisrpartitioncount offlinereplicacount partitioncount leadercount "
     "reassigningpartitions produceridcount partitionswithlatetransactionscount isrshrinks_total isrexpands_total "
     "failedisrupdates_total"},
    {"kafka_server_replicafetchermanager_", "maxlag minfetchrate failedpartitionscount deadthreadcount"},
    {"kafka_server_kafkarequesthandlerpool_", "requesthandleravgidlepercent"},
    {"kafka_network_socketserver_", "networkprocessoravgidlepercent expiredconnectionskilledcount memorypoolused"},
    {"kafka_network_requestchannel_", "requestqueuesize responsequeuesize"},
    {"kafka_network_requestmetrics_",
     "requests_total errors_total totaltimems requestqueuetimems localtimems remotetimems responsequeuetimems "
     "responsesendtimems throttletimems requestbytes"},
    {"kafka_controller_kafkacontroller_",
     "activecontrollercount offlinepartitionscount preferredreplicaimbalancecount globaltopiccount globalpartitioncount "
     "activebrokercount fencedbrokercount metadataerrorcount lastappliedrecordoffset lastappliedrecordlagms "
     "lastcommittedrecordoffset timedoutbrokerheartbeatcount eventqueueoperationstimedoutcount newactivecontrollerscount"},
    {"kafka_controller_controllereventmanager_", "eventqueuetimems eventqueueprocessingtimems"},
    {"kafka_controller_controllerstats_", "uncleanleaderelections_total electionfromeligibleleaderreplicas_total"},
    {"kafka_log_log_", "size numlogsegments logstartoffset logendoffset"},
    {"kafka_log_logflushstats_", "logflushrateandtimems"},
    {"kafka_log_logcleaner_",
     "cleaner_recopy_percent max_clean_time_secs max_compaction_delay_secs max_buffer_utilization_percent deadthreadcount"},
    {"kafka_log_logcleanermanager_", "max_dirty_percent time_since_last_run_ms uncleanable_partitions_count uncleanable_bytes"},
    {"kafka_log_logmanager_", "offlinelogdirectorycount logdirectoryoffline"},
    {"kafka_cluster_partition_", "underreplicated underminisr insyncreplicascount replicascount laststableoffsetlag"},
    {"kafka_server_delayedoperationpurgatory_", "purgatorysize numdelayedoperations"},
    {"kafka_server_fetchsessioncache_",
     "numincrementalfetchsessions numincrementalfetchpartitionscached incrementalfetchsessionevictions_total"},
    {"kafka_coordinator_group_groupmetadatamanager_",
     "numoffsets numgroups numgroupsstable numgroupsempty numgroupspreparingrebalance numgroupscompletingrebalance numgroupsdead"},
    {"kafka_server_kafkaserver_", "brokerstate clusterid"},
    {"kafka_server_metadataloader_", "currentmetadataversion handleloadsnapshotcount"},
    {"kafka_server_snapshotemitter_", "latestsnapshotgeneratedbytes latestsnapshotgeneratedagems"},
    {"kafka_server_addpartitionstotxnmanager_", "verificationfailurerate_total"},
    {"kafka_server_raft_metrics_",
     "append_records_rate commit_latency_avg commit_latency_max current_epoch current_leader current_state current_vote "
     "current_vote_directory_id election_latency_avg election_latency_max fetch_records_rate high_watermark log_end_epoch "
     "log_end_offset number_of_observers number_of_voters number_unknown_voter_connections poll_idle_ratio_avg "
     "uncommitted_voter_change"},
    {"kafka_server_broker_metadata_metrics_",
     "ignored_static_voters last_applied_record_lag_ms last_applied_record_offset last_applied_record_timestamp "
     "metadata_apply_error_count metadata_load_error_count"},
    {"kafka_server_group_coordinator_metrics_",
     "group_count consumer_group_count share_group_count streams_group_count num_partitions partition_load_time_avg "
     "partition_load_time_max group_completed_rebalance_count offset_commit_count offset_deletion_count offset_expiration_count"},
    {"kafka_server_transaction_coordinator_metrics_", "partition_load_time_avg partition_load_time_max"},
    {"kafka_server_socket_server_metrics_",
     "memorypoolavgdepletedpercent memorypooldepletedtimetotal broker_connection_accept_rate connections connection_close_rate "
     "connection_close_total connection_count connection_creation_rate connection_creation_total expired_connections_killed_count "
     "failed_authentication_rate failed_authentication_total failed_reauthentication_rate failed_reauthentication_total "
     "incoming_byte_rate incoming_byte_total io_ratio io_time_ns_avg io_time_ns_total io_wait_ratio io_wait_time_ns_avg "
     "io_wait_time_ns_total network_io_rate network_io_total outgoing_byte_rate outgoing_byte_total reauthentication_latency_avg "
     "reauthentication_latency_max request_rate request_size_avg request_size_max request_total response_rate response_total "
     "select_rate select_total successful_authentication_no_reauth_total successful_authentication_rate "
     "successful_authentication_total successful_reauthentication_rate successful_reauthentication_total connection_accept_rate "
     "connection_accept_throttle_time ip_connection_accept_throttle_time"},
    {"kafka_server_produce_", "byte_rate throttle_time queue_size"},
    {"kafka_server_fetch_", "byte_rate throttle_time queue_size"},
}};

inline std::vector<std::string> all_kafka_metrics() {
    std::vector<std::string> all;
    for (const auto& [prefix, names] : kafka_metrics)
        for (std::size_t at = 0; at < names.size();) {
            const auto end = std::min(names.find(' ', at), names.size());
            all.push_back(std::string{prefix} + std::string{names.substr(at, end - at)});
            at = end + 1;
        }
    return all;
}

}  // namespace weir::broker::test
