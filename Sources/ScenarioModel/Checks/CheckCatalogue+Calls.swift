extension CheckCatalogue {
  /// Registration, calls, offers and answers, admission: id, class, what is to be shown.
  static let calls = """
    REG-01 V REGISTER over each allowed transport; challenge, success, Contact and expiry echoed
    REG-02 V Refresh before the granted (not asked) expiry; shorter grant honoured
    REG-03 V 423 with Min-Expires: client raises and retries; absurd Min-Expires handled
    REG-04 V Unregister one binding, all bindings, and after restart with the old Call-ID/CSeq
    REG-05 V Several contacts for one AoR; replace, remove, maximum reached
    REG-06 I REGISTER with no Contact, two To values, wrong domain, To ≠ AoR
    REG-07 O REGISTER retransmitted; old CSeq; interleaved registrations
    REG-08 T Timer E/F growth of non-INVITE client; 408 and network failure retried with back-off
    REG-09 V 301/302 and 305-style redirection of a registration; domain change
    REG-10 V Path, Service-Route, Outbound (reg-id, +sip.instance) carried or refused cleanly
    REG-11 P Static mode without registration works beside registering mode
    REG-12 P Password regenerated: old refused at once, new accepted, calls in progress kept
    OPT-01 V OPTIONS answered with Allow, Accept, Supported, and a stable To tag rule
    OPT-02 V OPTIONS sent at the configured rate and never faster than the plan allows (once per 10 s in one)
    OPT-03 V Peer down/up detected and shown; calls held back until OPTIONS succeeds
    OPT-04 V OPTIONS inside a dialog; OPTIONS to a busy endpoint
    OPT-05 I Max-Forwards 0 on a request for the endpoint itself is processed (483 is a proxy's rule); known but unoffered method → \
      405 with Allow, unknown → 501; unknown Require → 420
    OPT-06 V CRLF and STUN keep-alives on flows
    CALL-01 V Answered call in and out, hang-up by either side, on each transport
    CALL-02 V Busy, no answer, rejected, unknown number, unknown session, ended session
    CALL-03 V Caller gives up while ringing: CANCEL, 487, ACK
    CALL-04 O CANCEL crosses 200: call ends with BYE
    CALL-05 V Long ring (3 min) with repeated provisionals
    CALL-06 V Call of more than 30 min, and hold for 10 min
    CALL-07 V Redirect 3xx: contacts tried in q order, loops stopped
    CALL-08 V Request merging: same request by two paths → 482
    CALL-09 I INVITE with bad Content-Length, missing Max-Forwards, wrong CSeq method, two Via faults
    CALL-10 T INVITE retransmission by timer A and give-up by B (UDP); no retransmission on TCP/TLS
    CALL-11 T 200 retransmitted until ACK; BYE when ACK never comes
    CALL-12 V ACK built from Route set and remote target; ACK without SDP after SDP in 200
    CALL-13 V BYE from either side at each state; BYE for unknown dialog → 481
    CALL-14 V Record-Route strict and loose; in-dialog requests follow it
    CALL-15 V Session bound to URI; two calls to one session handled by policy
    CALL-16 P Session idle limit ends the call with the right reason
    FORK-01 V Two 18x with different To tags, answer on the second
    FORK-02 V Two 200s: second one acknowledged and ended
    FORK-03 V 180 after 183, 183 without SDP after 183 with SDP, 181/182 in between
    FORK-04 O 200 from a branch after CANCEL
    FORK-05 V Provisional without To tag tolerated
    EM-01 V 183 with SDP: media heard before answer; ring-back not doubled
    EM-02 V Calls with and without 183; media may arrive before 200 (latch)
    EM-03 V PRACK: Require/Supported variants, RAck values, lost PRACK, 420/421 refusals
    EM-04 V UPDATE in early dialog, with and without SDP
    EM-05 O 200 arrives before PRACK is answered
    OA-01 V Offer in INVITE; offer in 200, answer in ACK (delayed offer)
    OA-02 V Answer keeps payload numbers, order and direction rules
    OA-03 V No common codec → 488 with Warning, call state clean
    OA-04 V Second m= line refused with port 0; unknown m= type; bundle ignored
    OA-05 V o= version rises only on change; same SDP on refresh
    OA-06 V Several crypto lines, several profiles for one stream (AVP and SAVP)
    OA-07 I Missing mandatory lines, bad rtpmap, oversize SDP (> 1,500 bytes), multipart body
    OA-08 V ptime 10/20/30/40/60 and maxptime honoured
    OA-09 V c= at session and media level, host name in c=, IPv6 and mixed
    OA-10 V Empty re-INVITE while held: offer states own wishes
    HOLD-01 V Hold by sendonly, inactive, 0.0.0.0, port kept or changed; resume each
    HOLD-02 V Hold by both sides, nested and released in both orders
    HOLD-03 V MoH from a third address and codec (delayed-offer re-INVITE)
    HOLD-04 V Tone on hold
    HOLD-05 V No media sent while the peer says inactive; RTCP goes on
    HOLD-06 V Hold + SRTP key change + resume: audio both ways
    HOLD-07 T Ten-minute hold with session refresh inside
    MOD-01 V re-INVITE refresh, codec change, address/port change, direction change
    MOD-02 V Failure of a re-INVITE leaves the old session untouched
    MOD-03 V Session timers: both refreshers, re-INVITE and UPDATE, 422, Min-SE 90 and 300
    MOD-04 T Refresh lost: call ends in time, not before
    MOD-05 V Contact changed mid-dialog; remote target follows
    MOD-06 V UPDATE answered always, even on one-legged calls
    RACE-01 O re-INVITE glare: 491 both ways, retry windows by owner
    RACE-02 O Second INVITE before final answer → 500 with Retry-After
    RACE-03 O re-INVITE crosses BYE; BYE crosses BYE; BYE before ACK
    RACE-04 O ACK and BYE reordered; retransmitted 200 after BYE
    RACE-05 O REFER crosses BYE of the transferor (280 ms case)
    RACE-06 O INFO/UPDATE pending while re-INVITE arrives
    RACE-07 O CANCEL for a finished, unknown or never provisional INVITE
    RACE-08 O re-INVITE in the state between 200 and ACK
    XFER-01 P REFER refused with a clear code; call goes on (present product)
    XFER-02 V Documented way round: end session, new session, PBX leg to the new URI
    XFER-03 V Blind transfer by the PBX outside our dialog (re-INVITE to new party)
    XFER-04 V REFER accepted profile: NOTIFY sipfrag sequence, norefersub, failure returned
    XFER-05 V INVITE with Replaces; unknown dialog → 481; early-only
    XFER-06 V Attended and semi-attended transfer seen from the middle
    XFER-07 V Transferor's BYE before, during, after NOTIFY
    XFER-08 V Forwarding: Diversion and History-Info parsed, order kept, loops stopped
    XFER-09 V Target unavailable: original call recovered
    NUM-01 V E.164 with +, national, short, extension, tel: URI, user=phone, FQDN host
    NUM-02 V Identification of the account by request-line host, user part, trunk group, DNIS, From
    NUM-03 V PAI, PPI, From, Privacy id/none; withheld number
    NUM-04 V CLIP no screening: foreign caller number on forwarded calls
    NUM-05 V Display names: quotes, UTF-8, empty, very long
    NUM-06 V X- headers from the session request reach the dialog, none other does
    NUM-07 I Unescaped #, spaces, control bytes in URIs: accepted or refused by profile, never crash
    NUM-08 V Emergency and special numbers are not silently rewritten
    NUM-09 V Overlap dialling: 484 path
    AUTH-01 V 401 and 407; MD5 and SHA-256; several challenges, strongest known chosen
    AUTH-02 V qop absent, auth, auth-int; nonce count grows; cnonce fresh
    AUTH-03 V stale=true: silent retry; new nonce without stale: counter restarts
    AUTH-04 I Wrong password, user, realm; response for other method or URI
    AUTH-05 I Replayed nonce/count refused; wrong digest does not advance the counter
    AUTH-06 V Authentication on INVITE, re-INVITE, BYE, UPDATE, MESSAGE by profile
    AUTH-07 P Fresh / reused / late / expired / invented nonce: five verdicts, honest peer never counted as attacker
    AUTH-08 I Loop guard: client stops after repeated challenges
    AUTH-09 P Credentials never sent to an unchallenged or different realm; never logged
    ACL-01 P Empty list = no filter; one host; CIDR edges (first, last, one before, one after)
    ACL-02 P IPv4, IPv6, IPv4-mapped, host bits set, overlapping and duplicate entries
    ACL-03 P Right credentials from a wrong address and the reverse: refusal reason differs in log and report
    ACL-04 P Check happens at authentication of the call; changes apply to the next call only
    ACL-05 P Source taken from the socket, never from Via or X-Forwarded-For; behind NAT the public side counts
    ACL-06 P Carrier adds an address; DNS of carrier changes; drift reported
    ACL-07 P SIP access toggle off: every method refused
    ACL-08 P Allowed-transports list: each transport on/off independently
    ACL-09 P Refused INVITE opens no media port and sends no provisional above 100
    ACL-10 P Unknown source: silent, 403 or 404 by profile; no user enumeration
    CAP-01 P n calls accepted, n+1 refused with the profile's code and Retry-After; slot freed by BYE, CANCEL, failure and crash
    CAP-02 P Cap counts each direction as documented; failed calls do not leak slots (1,000 cycles)
    CAP-03 P Rate limit apart from policy; burst at the documented carrier rate (30 per s; 40 in 5 s) passes
    CAP-04 P Overload: 503 with Retry-After, client waits; no silent drop
    CAP-05 P Flood from one source does not block another
    CAP-06 P RTP port range exhausted: clean refusal before answer
    CAP-07 P Drain mode: no new calls, old ones end in their own time
    """
}
