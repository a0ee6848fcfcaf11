-- SPDX-License-Identifier: MIT
-- ns: the XML namespaces that rooms speak.
return {
	MUC = "http://jabber.org/protocol/muc";
	USER = "http://jabber.org/protocol/muc#user";
	ADMIN = "http://jabber.org/protocol/muc#admin";
	OWNER = "http://jabber.org/protocol/muc#owner";
	CONFIG = "http://jabber.org/protocol/muc#roomconfig";
	INFO = "http://jabber.org/protocol/muc#roominfo";
	REQUEST = "http://jabber.org/protocol/muc#request";
	REGISTER = "http://jabber.org/protocol/muc#register";
	STABLE_ID = "http://jabber.org/protocol/muc#stable_id";
	SELF_PING = "http://jabber.org/protocol/muc#self-ping-optimization";
	TRAFFIC = "http://jabber.org/protocol/muc#traffic";
	CONFERENCE = "jabber:x:conference";
	DATA = "jabber:x:data";
	DELAY = "urn:xmpp:delay";
	DELAY_OLD = "jabber:x:delay";
	DISCO_INFO = "http://jabber.org/protocol/disco#info";
	DISCO_ITEMS = "http://jabber.org/protocol/disco#items";
	FASTEN = "urn:xmpp:fasten:0";
	FORWARD = "urn:xmpp:forward:0";
	HATS = "urn:xmpp:hats:0";
	HINTS = "urn:xmpp:hints";
	IQ_REGISTER = "jabber:iq:register";
	JINGLE = "urn:xmpp:jingle:1";
	MAM = "urn:xmpp:mam:2";
	MAM_EXTENDED = "urn:xmpp:mam:2#extended";
	MODERATE = "urn:xmpp:message-moderate:1";
	MODERATE_OLD = "urn:xmpp:message-moderate:0";
	MUJI = "urn:xmpp:jingle:muji:0";
	OCCUPANT_ID = "urn:xmpp:occupant-id:0";
	PING = "urn:xmpp:ping";
	RETRACT = "urn:xmpp:message-retract:1";
	RETRACT_OLD = "urn:xmpp:message-retract:0";
	RSM = "http://jabber.org/protocol/rsm";
	SID = "urn:xmpp:sid:0";
};
