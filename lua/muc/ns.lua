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
	COMMANDS = "http://jabber.org/protocol/commands";
	CONFERENCE = "jabber:x:conference";
	DATA = "jabber:x:data";
	DELAY = "urn:xmpp:delay";
	DELAY_OLD = "jabber:x:delay";
	DISCO_INFO = "http://jabber.org/protocol/disco#info";
	DISCO_ITEMS = "http://jabber.org/protocol/disco#items";
	HATS = "urn:xmpp:hats:0";
	HINTS = "urn:xmpp:hints";
	IQ_REGISTER = "jabber:iq:register";
	JINGLE = "urn:xmpp:jingle:1";
	MAV = "urn:xmpp:muc:affiliations:1";
	MUJI = "urn:xmpp:jingle:muji:0";
	OCCUPANT_ID = "urn:xmpp:occupant-id:0";
	PING = "urn:xmpp:ping";
	RSM = "http://jabber.org/protocol/rsm";
	VCARD = "vcard-temp";
	VCARD_UPDATE = "vcard-temp:x:update";
	SID = "urn:xmpp:sid:0";
};
