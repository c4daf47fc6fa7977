// Workers of one share group: each record goes to one of them, and comes back until somebody says what becomes of it.
#include "../model.hpp"

#include <weir/consumer.hpp>

#include <csignal>
#include <iostream>

bool print_label(const shipment& s) { return static_cast<bool>(std::cout << s.order_id << " by " << s.carrier << '\n'); }

int main(int, char** arguments) {
    weir::share_consumer jobs{arguments[1] ? arguments[1] : "localhost:9092", {.group_id = "label-printers", .explicit_ack = true}, shipments};
    jobs.stop_on({SIGINT, SIGTERM});
    for (auto& job : jobs) {
        if (print_label(job.value)) job.accept();
        else if (job.delivery_count() < 5) job.release();  // another worker may try
        else job.reject();
    }
    if (auto why = jobs.status()) std::cout << why << '\n';
}
