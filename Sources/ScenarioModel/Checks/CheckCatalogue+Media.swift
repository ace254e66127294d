extension CheckCatalogue {
  /// Security, connections, media, networks, resilience, the platform: id, class, what is to be shown.
  static let media = """
    TLS-01 P TLS 1.2 and 1.3 accepted; 1.0 and 1.1 refused; weak suites refused
    TLS-02 P Certificate: expired, not yet valid, wrong host, CN only, SAN, one-level wildcard, two-level wildcard, IP
    TLS-03 P Chain: full, missing intermediate, extra certificates, wrong order, unknown root, cross-signed
    TLS-04 P Mutual TLS: required and absent, required and wrong, optional, not asked
    TLS-05 P Contact and Record-Route host equal to certificate name; IP refused by profile
    TLS-06 P Require TLS: clear-text attempt refused by the documented way; no credential seen in clear
    TLS-07 P SIPS URI policy (refused by Teams; honoured elsewhere)
    TLS-08 V Session resumption, renegotiation refused, close_notify, half-close
    TLS-09 V Handshake stall, slow-loris, oversized record, split at every byte
    TLS-10 V Certificate rotated with calls up: old connections live, new ones use the new certificate
    TLS-11 V SNI chooses the certificate
    CON-01 V Response on the connection of the request; if gone, to received with sent-by port
    CON-02 V In-dialog requests use the accepted flow even when Record-Route names another port
    CON-03 V No reuse between different certificates or trunks; reuse inside one
    CON-04 V Two messages in one segment, one message in many, keep-alive between
    CON-05 V Connection lost mid-transaction and mid-dialog; recovery
    CON-06 V UDP request above MTU switches to TCP
    CON-07 V DNS: NAPTR, SRV weight and priority, A/AAAA; failover on time-out, refusal, TLS failure; back-off
    CON-08 V Failover only when no provisional other than 100 was seen
    SRTP-01 V AES-CM-128 with 80 and 32; AES-256-CM; AEAD GCM 128/256; order of preference
    SRTP-02 I Key length 45/46 bytes, missing padding, swapped suite spelling, bad base64: named refusal
    SRTP-03 V Lifetime 2^31, MKI present/absent/length, several lines, tag echoed
    SRTP-04 P Require SRTP: AVP offer refused (488) and no RTP in clear is ever sent
    SRTP-05 P Optional SRTP: SAVP, AVP with crypto, two m= lines; never downgraded when both can
    SRTP-06 P Keys never sent over clear signalling when TLS is required
    SRTP-07 V SRTCP encrypted and authenticated; index and E bit; AES-256 SRTCP known bug tolerated
    SRTP-08 I Wrong tag, replayed packet, old ROC, wrong SSRC: dropped and counted
    SRTP-09 V ROC over sequence wrap; late join; SSRC change; both readings of ROC on re-key
    SRTP-10 V re-INVITE with same key, new key, new address with and without new key
    SRTP-11 V SDES → DTLS → plain re-INVITE: allowed or refused as profile says
    DTLS-01 V actpass/active/passive matrix; role kept on re-INVITE; new association only with new fingerprint, ICE or transport
    DTLS-02 V Each flight lost, doubled, reordered; last flight lost
    DTLS-03 I Fingerprint mismatch, SHA-1, two fingerprints, none
    DTLS-04 P No media before handshake end; early RTP buffered or dropped by profile
    DTLS-05 V use_srtp profile choice, EMS, DTLS 1.2 floor
    DTLS-06 V Handshake through jitter of 200 ms and 10 % loss within a bound
    DTLS-07 V Large certificate fragments
    DTLS-08 V close_notify ends the association, not the call, by profile
    MED-01 V Source port equals advertised port; symmetric RTP; both directions within a bound after answer
    MED-02 V Sequence, timestamp, SSRC random at start; marker at talk-spurt
    MED-03 V SR/RR from both sides, right counts, RTT plausible; mux and non-mux; CNAME stable
    MED-04 V SSRC change, timestamp jump, sequence jump, duplicate, reordering survived
    MED-05 V Silence, comfort noise, DTX; no false time-out
    MED-06 V Media time-out ends or keeps the call as configured
    MED-07 I Packets from a wrong source, before answer, after BYE: ignored and counted
    MED-08 V Reverse media negotiation, media to two addresses in turn
    MED-09 Q One-way, dead air, echo, swapped legs, wrong rate: each named
    COD-01 V PCMU, PCMA (both mandatory), G.722, Opus: each alone, each order of the policy list
    COD-02 V Order from the policy list decides when the offer allows several
    COD-03 V G.722: RTP clock 8000 with 16 kHz audio
    COD-04 V Opus: 48000/2 always; mono/stereo, maxplaybackrate, maxaveragebitrate, cbr, FEC, DTX, 10–60 ms
    COD-05 I opus/48000 without channels, opus/8000, wrong timestamp step: by profile
    COD-06 V Codec changes without re-INVITE inside the answered set; asymmetric codecs
    COD-07 Q Transcoding keeps level, pitch, order; score above a per-codec floor
    COD-08 V Dynamic payload numbers differ per direction
    COD-09 I Unknown payload, truncated frame, over-long frame
    COD-10 P Codec not on the policy list is never sent or accepted
    DTMF-01 V RFC 4733 out and in, all 16 digits, short (40 ms) and long (5 s)
    DTMF-02 V Same timestamp per digit; duration grows; marker first; end bit three times
    DTMF-03 V Lost first packet, lost ends, jitter: one digit, not two
    DTMF-04 V Clock 8 kHz and 48 kHz events beside Opus; chosen one used
    DTMF-05 V INFO (two body types) and in band by profile
    DTMF-06 V Audio timeline goes on after the digit
    DTMF-07 P Digits are relayed, never read as session control
    DTMF-08 V telephone-event refused by answer: none sent
    NAT-01 V received/rport added and used; response to the right socket
    NAT-02 V Private Contact or SDP behind four NAT kinds; hairpin
    NAT-03 V Binding lives through keep-alive; expires without; port changes mid-call
    NAT-04 V Client address change mid-call: signalling and media recover, ROC rule held
    NAT-05 V Late latching by first authenticated packet only
    NAT-06 V Two clients behind one address; 5060 ALG that rewrites bodies
    NAT-07 V ICE-lite with one candidate; full ICE peer; STUN unknown attribute ignored, malformed dropped
    NAT-08 V IPv6 only, dual stack, NAT64-like mapping
    NET-01 Q Loss 0–20 % random and burst: score floor per codec, no call drop
    NET-02 Q Jitter 0–200 ms, reordering, duplication: buffer within bound, delay bound
    NET-03 Q Bandwidth squeeze and finite queue; recovery time after heal
    NET-04 Q Signalling under 30 % loss: set-up succeeds inside timer limits (UDP)
    NET-05 Q 100 kbit/s per call planning figure kept
    NET-06 Q Mouth-to-ear delay, per leg and bypass, p50/p95/max
    NET-07 Q Interval MOS with inputs; unknown stated as unknown
    NET-08 Q Outage 5 s: worst window shows it; later windows recover
    RES-01 V Peer killed, restarted, paused; half-open dialogs cleaned by timers
    RES-02 V Our restart: registrations recover, stale dialogs answered 481
    RES-03 V 503 from carrier: next target; 408, 5xx, 6xx each by rule
    RES-04 V Max-Forwards and loop detection (REFER loop → 483)
    RES-05 V Protection switch: peer moves address with calls up
    RES-06 Q 60-min soak, 200 calls: no growth of memory, descriptors, dialogs; final-minute figures as good as first
    RES-07 V Clock step ± 1 h, DST, leap day in nonces and certificates
    RES-08 V Call records: cause, duration, direction exact against capture
    ROB-01 I 49 torture messages: accept or refuse as RFC 4475 says
    ROB-02 I Mutations by class (overflow, format, UTF-8, empty, repeated, number edge) on each method
    ROB-03 I Malformed SDP, SRTP lines, RTCP, STUN, DTLS records
    ROB-04 I Giant headers, 1,000 Via, 64 KiB datagram, never-ending TCP header
    ROB-05 P Scanner traffic: no account or extension guess possible; digest-leak INVITE trick refused
    ROB-06 P RTP injection and RTCP BYE spoof ignored under SRTP and after latching
    ROB-07 V After all of the above one clean call works (liveness)
    API-01 V Session created by REST, SIP leg attached by sess_ URI, states created → active → ended
    API-02 V Inbound first: session created or attached by policy
    API-03 V End by API hangs up SIP; BYE ends or keeps session as documented; repeated end is the same answer
    API-04 V Idempotency key replay, mismatch, in-progress
    API-05 V Session defaults (mode, region, languages) applied to SIP-started calls
    API-06 V Recording and transcript match what the watermark and script say, channels apart
    API-07 V Webhooks: order, signature, retries, no loss over a restart
    API-08 V Errors of the SIP side map to API errors (502 for failed dial) and back
    API-09 P Rate limit and credits refuse in the API before any SIP is sent
    TRN-01 Q Language A in, language B out on the right leg, both directions; auto detect
    TRN-02 Q First translated audio and turn delay inside the set bound at 1, 50, 200 calls
    TRN-03 Q Barge-in stops play-out inside the bound; false trigger resumes
    TRN-04 Q Double talk, long silence, music, DTMF during translation
    TRN-05 V Assistive and AI-agent modes: who hears what
    TRN-06 V Hold, resume, codec change in mid-turn lose no turn
    """
}
