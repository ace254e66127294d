#ifndef KALLGLOT_CPCAP_SHIM_H
#define KALLGLOT_CPCAP_SHIM_H

#include <pcap/pcap.h>

#endif
